"""What `ps`, `caps` and `mem` print."""

from __future__ import annotations

from typing import Final

from pith.abi.objects import SLOT_BITS
from pith.metal import u8, u64
from pith.runtime.bootinfo import count, total_memory
from pith.runtime.capability import NULL
from pith.runtime.component import CSPACE_BITS, Component, State, supervisor
from pith.runtime.console import column, right, write, write_bytes
from pith.runtime.supervision import SUPERVISOR
from pith.runtime.voice import BOLD, DIM, PLAIN

from .parts import Note, system

MIB: Final = 1 << 20
KIB: Final = 1 << 10


def header(text: str) -> None:
    """The first line of a table."""
    write(BOLD)
    write(text)
    write(PLAIN)
    write("\n")


def show_components() -> None:
    """Every program: what it is doing, how important it is, what it has used."""
    header("  program     state        priority     time used     memory")
    write("  initial     running           255             -          -\n")
    for component in system.parts:
        if component.memory != NULL:
            show_component(component)
    write(DIM)
    write("  initial is this program. A passive server has no time of its own: its callers lend it theirs.\n")
    write(PLAIN)


def show_component(component: Component) -> None:
    """One line of `ps`."""
    write("  ")
    write_bytes(component.name)
    column(14)
    write(state_text(component))
    column(27)
    right(component.priority, 8)
    if component.context == NULL and component.state is State.READY:
        write("       passive")
    else:
        right(component.microseconds(), 11)
        write(" us")
    right(component.pool.used // KIB, 7)
    write(" KiB\n")


def state_text(component: Component) -> str:
    """What a component is doing, as far as we know."""
    match component.state:
        case State.NONE:
            return "none"
        case State.LOADED:
            return "loaded"
        case State.RUNNING:
            return "serving"
        case State.READY:
            return "serving"
        case State.FINISHED:
            return "finished"
        case State.KILLED:
            return "killed"


def show_capabilities() -> None:
    """What every component may touch: all of it."""
    for component in system.parts:
        if component.memory != NULL and component.state is not State.KILLED:
            write(BOLD)
            write("  ")
            write_bytes(component.name)
            write(PLAIN)
            column(14)
            write("slot ")
            right(SUPERVISOR, 2)
            write(f"  endpoint, badge {component.badge}: report to initial\n")
            for i in range(component.grant_count):
                grant = component.grants[i]
                column(14)
                write("slot ")
                right(grant.slot, 2)
                write("  ")
                write(note_text(grant.note))
                write("\n")
    write(DIM)
    write(f"  Each has {1 << CSPACE_BITS} slots; the others are empty. ")
    write("What a program has no slot for, it cannot touch.\n")
    write(PLAIN)


def note_text(note: u8) -> str:
    """What a capability is, and what for."""
    match Note(note):
        case Note.CONSOLE_SERVER:
            return "endpoint: receive what others want printed"
        case Note.REPLY:
            return "reply object: answer whoever called"
        case Note.INTERRUPT:
            return "interrupt 10: acknowledge it"
        case Note.TYPED:
            return "notification: tell initial that something was typed"
        case Note.CONSOLE:
            return "endpoint: print through uart"
        case Note.FAULTS:
            return "endpoint: receive page faults"
        case Note.OWN_CNODE:
            return "CNode: its own slots, to put capabilities into"
        case Note.MEMORY:
            return "untyped: 64 KiB of memory to make pages of"
        case Note.CLIENT_SPACE:
            return "page table: explorer's address space, to map pages into"
        case Note.REQUESTS:
            return "endpoint: receive requests"
        case Note.OWN_SPACE:
            return "page table: its own address space, to map lent pages into"
        case Note.SERVER:
            return "endpoint: call server"
        case Note.LENT_PAGE:
            return "frame: a page to lend"
        case Note.BELL:
            return "notification: a bell to lend, and to hear"


def show_memory() -> None:
    """Where the machine's memory is: every byte of it is in some untyped that somebody has."""
    info, pool = system.info, supervisor.pool
    memories: u64 = 0
    devices: u64 = 0
    for i in range(count(info.untyped)):
        if info.untyped_list[i].is_device == 0:
            memories += 1
        else:
            devices += 1
    whole = total_memory(info)
    write(f"  The kernel handed over {whole // MIB} MiB in {memories} untypeds, ")
    write(f"and {devices} untypeds of device registers.\n")
    write(f"  From the largest ({pool.size // MIB} MiB) initial makes everything here; ")
    write(f"{pool.used // KIB} KiB are in use:\n")
    show_shares()
    slots = pool.slots_used()
    size = 1 << (info.root_cnode_size_bits & 63)
    write(
        f"  Of initial's {size} slots, {slots} are taken or set aside; a slot has {1 << SLOT_BITS} bytes.\n"
    )
    write(DIM)
    write("  The kernel has no memory of its own to run out of: every object is paid for by its maker.\n")
    write(PLAIN)


def show_shares() -> None:
    """What each component has been given, and how much of it is used."""
    for component in system.parts:
        if component.memory != NULL:
            column(5)
            write_bytes(component.name)
            column(16)
            right(component.pool.used // KIB, 6)
            write(" KiB of ")
            right(component.pool.size // KIB, 4)
            write(" KiB\n")
