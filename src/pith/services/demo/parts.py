"""The components of the demonstration: which there are, how each is built, and what each is given.

Each `make_` function is one component's whole world: what is not given here, the component does not have. The initial
thread keeps the capabilities that several components share (endpoints) in `system`; what belongs to one component alone is
made from that component's own memory, and disappears with it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.objects import ObjectType
from pith.metal import Array, Struct, array, static, u64
from pith.runtime import archive, cnode, irq, page, sched_control, tcb
from pith.runtime.capability import ALL_RIGHTS, CALL_AND_GRANT, READ, READ_WRITE, WRITE, CPtr, own
from pith.runtime.component import Component, supervisor
from pith.runtime.device import device_page
from pith.runtime.process import WINDOW
from pith.services.demo.client import ClientSlot
from pith.services.demo.explorer import ExplorerSlot
from pith.services.demo.server import ServerSlot
from pith.services.pager import MEMORY_BITS, PagerSlot
from pith.services.uart import INTERRUPT_LINE, IRQ_BADGE, PHYSICAL_ADDRESS, UartSlot

POWER_ADDRESS: Final = 0x10_0000  # the board's "test" device: writing to it ends the machine
POWER: Final = WINDOW + 0x1000  # behind the supervisor's scratch page
COMPONENT_MEMORY_BITS: Final = 18
TYPED_BADGE: Final = 1 << 41
SLICE: Final = 5000  # microseconds


class Part(IntEnum):
    """The components, by their place in `system.parts`; the badge of each is one more."""

    UART = 0
    PAGER = 1
    EXPLORER = 2
    SERVER = 3
    CLIENT = 4
    FAULTY = 5


PARTS: Final = len(Part)


class Note(IntEnum):
    """What a capability that a component was given is for: what `caps` prints."""

    CONSOLE_SERVER = 1
    REPLY = 2
    INTERRUPT = 3
    TYPED = 4
    CONSOLE = 5
    FAULTS = 6
    OWN_CNODE = 7
    MEMORY = 8
    CLIENT_SPACE = 9
    REQUESTS = 10
    OWN_SPACE = 11
    SERVER = 12
    LENT_PAGE = 13
    BELL = 14


class System(Struct):
    """What the initial thread remembers."""

    info: BootInfo
    reply: CPtr
    typed: CPtr  # notification, bound to our thread: something was typed
    console: CPtr  # endpoint of uart
    server: CPtr  # endpoint of server
    setup_time: CPtr  # scheduling context for passive servers that set themselves up
    parts: Array[Component] = array(PARTS)


system: Final = static(System)


def set_up(info: BootInfo) -> None:
    """Prepare for building components."""
    system.info = info
    supervisor.set_up(info)
    pool = supervisor.pool
    system.reply = pool.make(ObjectType.REPLY)
    system.typed = pool.make(ObjectType.NOTIFICATION)
    system.console = pool.make(ObjectType.ENDPOINT)
    system.server = pool.make(ObjectType.ENDPOINT)
    system.setup_time = pool.make(ObjectType.SCHED_CONTEXT, 8)
    sched_control.configure(info.sched_control.start, system.setup_time, SLICE, SLICE, 0, 0, 0)
    tcb.bind_notification(RootSlot.TCB, system.typed)
    power = device_page(pool, info, POWER_ADDRESS)
    supervisor.space.map_page(power, POWER, READ_WRITE, page.NOT_EXECUTABLE)


def load(part: Part, name: str) -> Component:
    """A component with its program, and nothing else yet."""
    component = system.parts[part]
    component.create(name, part + 1, COMPONENT_MEMORY_BITS)
    component.load(archive.program(name))
    return component


def give_reply(component: Component, slot: u64) -> None:
    """A server needs a Reply object: the kernel ties it to the caller."""
    component.give_copy(slot, component.pool.make(ObjectType.REPLY), Note.REPLY)


def give_console(component: Component, slot: u64) -> None:
    """The right to print; the badge says who prints."""
    component.give(slot, system.console, CALL_AND_GRANT, Note.CONSOLE, component.badge)


def make_uart() -> None:
    """The driver: a page of registers, one interrupt, an endpoint, and nothing else of the machine."""
    uart = load(Part.UART, "uart")
    registers = device_page(supervisor.pool, system.info, PHYSICAL_ADDRESS)
    uart.space.map_page(registers, WINDOW, READ_WRITE, page.NOT_EXECUTABLE)
    uart.give(UartSlot.ENDPOINT, system.console, READ, Note.CONSOLE_SERVER)
    give_reply(uart, UartSlot.REPLY)
    handler = supervisor.pool.take_slot()
    irq.get(RootSlot.IRQ_CONTROL, INTERRUPT_LINE, own(handler))
    uart.give_copy(UartSlot.IRQ, handler, Note.INTERRUPT)
    signalled = uart.pool.make(ObjectType.NOTIFICATION)
    badged = uart.pool.take_slot()
    cnode.mint(own(badged), own(signalled), WRITE, IRQ_BADGE)
    irq.set_notification(handler, badged)
    tcb.bind_notification(uart.thread, signalled)
    uart.give(UartSlot.TYPED, system.typed, WRITE, Note.TYPED, TYPED_BADGE)
    uart.start(priority=200, budget=SLICE, period=SLICE)


def make_pager() -> CPtr:
    """The pager, and the endpoint at which it waits for faults. It is given memory of its own to give away."""
    pager = load(Part.PAGER, "pager")
    faults = pager.pool.make(ObjectType.ENDPOINT)
    pager.give(PagerSlot.FAULTS, faults, READ, Note.FAULTS)
    give_reply(pager, PagerSlot.REPLY)
    give_console(pager, PagerSlot.CONSOLE)
    pager.give_copy(PagerSlot.CNODE, pager.cnode, Note.OWN_CNODE)
    pager.give_copy(PagerSlot.MEMORY, pager.pool.make(ObjectType.UNTYPED, MEMORY_BITS), Note.MEMORY)
    return faults


def make_explorer(faults: CPtr) -> None:
    """The explorer, whose faults go to the pager; the pager may fill its address space."""
    explorer = load(Part.EXPLORER, "explorer")
    give_console(explorer, ExplorerSlot.CONSOLE)
    pager = system.parts[Part.PAGER]
    pager.give_copy(PagerSlot.CLIENT, explorer.space.root, Note.CLIENT_SPACE)
    handler = explorer.pool.take_slot()
    cnode.mint(own(handler), own(faults), CALL_AND_GRANT, explorer.badge)
    pager.start(priority=150, budget=SLICE, period=SLICE)
    explorer.start(priority=100, budget=SLICE, period=SLICE, fault_endpoint=handler)


def make_server() -> None:
    """The server: no scheduling context, so it runs on its callers' time. Here it is lent some to begin."""
    server = load(Part.SERVER, "server")
    server.give(ServerSlot.ENDPOINT, system.server, READ, Note.REQUESTS)
    give_reply(server, ServerSlot.REPLY)
    give_console(server, ServerSlot.CONSOLE)
    server.give_copy(ServerSlot.CNODE, server.cnode, Note.OWN_CNODE)
    server.give_copy(ServerSlot.VSPACE, server.space.root, Note.OWN_SPACE)
    for _ in range(2):
        server.space.add_page_table(WINDOW)
    server.start(priority=150, budget=0, period=0)
    server.lend_time(system.setup_time)


def make_client() -> None:
    """The client: it may call the server, and has a page and a bell to hand over."""
    client = load(Part.CLIENT, "client")
    give_console(client, ClientSlot.CONSOLE)
    client.give(ClientSlot.SERVER, system.server, CALL_AND_GRANT, Note.SERVER, client.badge)
    client.give_copy(ClientSlot.PAGE, client.space.new_page(WINDOW), Note.LENT_PAGE)
    client.give(ClientSlot.BELL, client.pool.make(ObjectType.NOTIFICATION), ALL_RIGHTS, Note.BELL, 1)
    client.start(priority=100, budget=SLICE, period=SLICE)


def make_faulty() -> None:
    """A program with a mistake in it. It may print and report, and that is all."""
    faulty = load(Part.FAULTY, "faulty")
    give_console(faulty, 2)
    faulty.start(priority=100, budget=SLICE, period=SLICE)
