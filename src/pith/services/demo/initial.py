"""The initial thread of the demonstration: it builds a system of isolated programs, and says what it does.

The kernel starts one program and gives it every capability there is. From then on the kernel decides nothing: which programs
exist, who may talk to whom, who gets memory when, what becomes of one that fails, is decided here, and in
whatever this program gives the right to decide. Four chapters show it:

    1  a device driver is an ordinary program          3  programs share what they hand over, and nothing else
    2  memory on demand, from a pager                  4  a program breaks, and nothing else does

Until the driver runs there is nothing to print with; what is said before is kept and comes out then.
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import BootInfo
from pith.metal import export, u64
from pith.runtime import console
from pith.runtime.archive import NotInArchive
from pith.runtime.bootinfo import total_memory
from pith.runtime.component import State
from pith.runtime.console import column, write
from pith.runtime.device import DeviceMissing
from pith.runtime.elf import BadElf
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import PoolEmpty
from pith.runtime.voice import BOLD, DIM, PLAIN, TEXT_COLUMN, YELLOW, begin, heading

from .parts import Part, make_client, make_explorer, make_pager, make_server, make_uart, set_up, system
from .prompt import power_off, run_faulty, serve_prompt
from .watch import wait_for

FAILED: Final = 1


@export("pith_main")
def main(info: BootInfo) -> None:
    console.keep()
    introduce(info)
    try:
        set_up(info)
        chapter_driver()
        chapter_pager()
        chapter_server()
        chapter_fault()
        heading("That was all. Now it is your turn: type help.")
        serve_prompt()
    except InvocationFailed as failure:
        console.spill()
        write(f"initial: the kernel refused operation {int(failure.operation)}: ")
        write(f"error {failure.code}, {failure.detail}\n")
        power_off(FAILED)
    except PoolEmpty as failure:
        console.spill()
        write(f"initial: no memory or slot is left for an object of 2**{failure.size_bits} bytes\n")
        power_off(FAILED)
    except DeviceMissing as failure:
        console.spill()
        write(f"initial: this machine has no device at {failure.physical_address:#x}\n")
        power_off(FAILED)
    except NotInArchive:
        console.spill()
        write("initial: a component is missing in my image\n")
        power_off(FAILED)
    except BadElf as failure:
        console.spill()
        write(f"initial: a component is not a proper program: reason {int(failure.reason)}\n")
        power_off(FAILED)


def introduce(info: BootInfo) -> None:
    """Who speaks, and what there is."""
    write(BOLD)
    write("\nPith: a microkernel, and programs that need not trust each other\n\n")
    write(PLAIN)
    say("I am the first program. The kernel started me and gave me every capability there is, ")
    write(f"{total_memory(info) >> 20} MiB\n")
    more("of memory among them. From now on it decides nothing; I build the rest. Each line below says\n")
    more("who speaks. All but me live in address spaces of their own.\n")


def why(text: str) -> None:
    """Why a chapter matters."""
    write(DIM)
    write("   ")
    write(text)
    write(PLAIN)
    write("\n")


def say(text: str) -> None:
    """Begin a line of the initial thread's."""
    begin("initial", YELLOW)
    write(text)


def more(text: str) -> None:
    """A further line of the same speaker."""
    column(TEXT_COLUMN)
    write(text)


def chapter_driver() -> None:
    """The UART driver. As soon as it runs, all that was kept is printed through it."""
    heading("1  A device driver is an ordinary program")
    why("It can crash without taking the system along, and it can touch its own device only.")
    make_uart()
    given: u64 = system.parts[Part.UART].grant_count + 1
    say("I made uart: an address space with the device's registers in it, a thread, ")
    write(f"{given} capabilities,\n")
    more("one of them to the interrupt of the serial line. What you read here, uart prints: we call it.\n")
    console.use_server(system.console)


def chapter_pager() -> None:
    """Memory on demand."""
    heading("2  Memory on demand")
    why("The kernel has no opinion about memory: whoever is sent the page faults decides.")
    say("I made pager, which owns 64 KiB, and explorer, whose page faults go to pager as messages.\n")
    make_explorer(make_pager())
    wait_for(Part.EXPLORER, State.FINISHED)


def chapter_server() -> None:
    """Data and capabilities between a client and a server."""
    heading("3  Programs share what they hand over, and nothing else")
    why("A capability is the right to one object, and it can travel in a message like a number.")
    make_server()
    wait_for(Part.SERVER, State.READY)
    system.parts[Part.SERVER].take_time_back(system.setup_time)
    say("I made server. It has no processor time of its own: a call brings the caller's time along.\n")
    say("I made client, which may call server, and owns a page of memory and a bell.\n")
    make_client()
    wait_for(Part.CLIENT, State.FINISHED)


def chapter_fault() -> None:
    """A component that breaks."""
    heading("4  A program breaks, and nothing else does")
    why("All that a program is made of was cut from one piece of memory: one call takes it back.")
    run_faulty()
