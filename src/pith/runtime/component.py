"""A program in an address space of its own: made, started, watched, killed.

A component is made of a few kernel objects, all cut from one untyped of its own (its pool):

    CNode       what it may touch: 64 slots, of which the supervisor fills some
    VSpace      what it can see: its program with its stack, its IPC buffer, nothing else
    TCB         its thread           SchedContext   its time; a passive server has none
    frames and page tables

Whoever makes components, the supervisor, is told of their faults (supervision.py). `kill` revokes the
untyped: every object above is gone then, and so is every copy of a capability to them, wherever it was.
Nobody else notices but by asking.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import CapRights
from pith.abi.objects import PAGE_BITS, ObjectType
from pith.metal import Array, Inline, Struct, array, machine, static, u6, u8, u64

from . import cnode, debug, elf, page, sched_context, sched_control, tcb
from .address_space import AddressSpace
from .capability import ALL_RIGHTS, CALL_AND_GRANT, NULL, READ, READ_WRITE, CPtr, Place, own
from .pool import Pool, stock_from_bootinfo
from .process import IPC_BUFFER_ADDRESS, WINDOW
from .supervision import SUPERVISOR

CSPACE_BITS: Final = 6
SLOTS: Final = 160  # of the supervisor's CNode: one for each object of the component
PAGE_BYTES: Final = 1 << PAGE_BITS
NAME_BYTES: Final = 16
MOST_GRANTS: Final = 12


class State(IntEnum):
    """Where a component is in its life."""

    NONE = 0
    LOADED = 1
    RUNNING = 2
    READY = 3  # a server that has set itself up
    FINISHED = 4
    KILLED = 5


class Grant(Struct):
    """What the supervisor put into a slot of a component: for showing."""

    slot: u64
    note: u8  # what it is and what for: the supervisor's own numbers


class Supervisor(Struct):
    """What starting components takes. An initial thread sets it up once, before it makes the first."""

    pool: Inline[Pool]  # pays for the components' untypeds
    space: Inline[AddressSpace]  # the supervisor's own, to copy programs through
    scratch: u64  # an address in it where nothing is mapped
    endpoint: CPtr  # where components and their faults report
    sched_control: CPtr

    def set_up(self, info: BootInfo) -> None:
        """Take the initial thread's largest untyped and all its empty slots for making components."""
        stock_from_bootinfo(self.pool, info)
        self.space.adopt(RootSlot.VSPACE, self.pool)
        self.scratch = WINDOW
        self.endpoint = self.pool.make(ObjectType.ENDPOINT)
        self.sched_control = info.sched_control.start


supervisor: Final = static(Supervisor)


class Component(Struct):
    """One component."""

    name: Array[u8] = array(NAME_BYTES)
    state: State
    badge: u64  # how its messages to the supervisor are told from others
    priority: u8
    memory: CPtr  # the untyped that all of it is made of
    pool: Inline[Pool]
    space: Inline[AddressSpace]
    cnode: CPtr
    thread: CPtr
    context: CPtr  # NULL: passive
    entry: u64
    used_microseconds: u64
    grant_count: u64
    grants: Array[Grant] = array(MOST_GRANTS)

    def create(self, name: str, badge: u64, memory_bits: u6) -> None:
        """Set the component up, with an untyped of 2**memory_bits bytes: empty, but able to report to us."""
        if self.memory == NULL:
            self.memory = supervisor.pool.make(ObjectType.UNTYPED, memory_bits)
            self.pool.stock(self.memory, memory_bits, supervisor.pool.take_slots(SLOTS), SLOTS)
        self.set_name(name)
        self.badge = badge
        self.grant_count = 0
        self.used_microseconds = 0
        self.cnode = self.pool.make(ObjectType.CNODE, CSPACE_BITS)
        self.thread = self.pool.make(ObjectType.TCB)
        if debug.EXPECTED:
            debug.name_thread(self.thread, name)
        self.space.create(self.pool)
        cnode.mint(self.slot(SUPERVISOR), own(supervisor.endpoint), CALL_AND_GRANT, badge)
        self.state = State.LOADED

    def set_name(self, name: str) -> None:
        """Keep the name, as far as there is room."""
        for i in range(NAME_BYTES):
            self.name[i] = ord(name[i]) if i < len(name) and i < NAME_BYTES - 1 else 0

    def slot(self, index: u64) -> Place:
        """A slot of the component's capability space."""
        return Place(self.cnode, index, CSPACE_BITS)

    # What it may touch -----------------------------------------------------------------------------------

    def give(self, index: u64, source: CPtr, rights: CapRights, note: u8 = 0, badge: u64 = 0) -> None:
        """Put a copy of our capability `source` into the component's slot `index`."""
        cnode.mint(self.slot(index), own(source), rights, badge)
        self.remember(index, note)

    def give_copy(self, index: u64, source: CPtr, note: u8 = 0) -> None:
        """As `give`, for capabilities that take neither rights nor badge."""
        cnode.copy(self.slot(index), own(source), ALL_RIGHTS)
        self.remember(index, note)

    def own_copy(self, index: u64) -> CPtr:
        """A copy in our capability space of what the component has in slot `index`, badge and all."""
        slot = self.pool.take_slot()
        cnode.copy(own(slot), self.slot(index), ALL_RIGHTS)
        return slot

    def remember(self, index: u64, note: u8) -> None:
        """Note down what was given."""
        grant = self.grants[self.grant_count]
        grant.slot = index
        grant.note = note
        self.grant_count += 1

    # What it can see -------------------------------------------------------------------------------------

    def load(self, image: Array[u8]) -> None:
        """Map a program. Raises BadElf before anything is done."""
        elf.check(image)
        for i in range(elf.header(image).segment_count):
            entry = elf.segment(image, i)
            if elf.is_loaded(entry):
                self.load_segment(image, entry)
        self.entry = elf.header(image).entry
        machine.fence_instructions()

    def load_segment(self, image: Array[u8], entry: elf.Segment) -> None:
        """Map a segment page by page: the bytes from the file, zeros behind them, its rights on top."""
        rights = READ_WRITE if entry.flags & elf.FLAG_WRITE else READ
        attributes = page.EXECUTABLE if entry.flags & elf.FLAG_EXECUTE else page.NOT_EXECUTABLE
        address: u64 = elf.first_page(entry)
        while address < elf.end_page(entry):
            frame = self.pool.make(ObjectType.PAGE)
            fill_page(frame, address, image, entry)
            self.space.map_page(frame, address, rights, attributes)
            address += PAGE_BYTES

    # Running ---------------------------------------------------------------------------------------------

    def start(self, priority: u8, budget: u64, period: u64, fault_endpoint: CPtr = NULL) -> None:
        """Let the thread run, for `budget` microseconds in every `period`; with a budget of 0, on callers' time.

        A passive server, too, needs time to set itself up: lend it some with `lend_time`. Faults go to
        `fault_endpoint`, or else to the supervisor.
        """
        buffer = self.space.new_page(IPC_BUFFER_ADDRESS)
        tcb.configure(
            self.thread, self.cnode, tcb.guard(CSPACE_BITS), self.space.root, IPC_BUFFER_ADDRESS, buffer
        )
        self.context = NULL
        if budget != 0:
            self.context = self.pool.make(ObjectType.SCHED_CONTEXT, 8)
            sched_control.configure(supervisor.sched_control, self.context, budget, period, 0, self.badge, 0)
        self.priority = priority
        handler = self.own_copy(SUPERVISOR) if fault_endpoint == NULL else fault_endpoint
        tcb.set_sched_params(self.thread, RootSlot.TCB, 0, priority, self.context, handler)
        registers.pc = self.entry
        tcb.write_registers(self.thread, True, registers)
        self.state = State.RUNNING

    def lend_time(self, context: CPtr) -> None:
        """Let a passive component run on `context` until `take_time_back`."""
        sched_context.bind(context, self.thread)

    def take_time_back(self, context: CPtr) -> None:
        """Leave a passive component without time: it sleeps in its endpoint's queue until called."""
        sched_context.unbind_object(context, self.thread)

    def microseconds(self) -> u64:
        """The processor time that it has used on its own scheduling context."""
        if self.context != NULL:
            self.used_microseconds += sched_context.consumed(self.context)
        return self.used_microseconds

    def stop(self) -> None:
        """The component is done: let its thread not run again. What it has stays."""
        tcb.suspend(self.thread)
        self.state = State.FINISHED

    def kill(self) -> None:
        """Destroy the component: every object of it, and every capability to one."""
        self.microseconds()
        self.context = NULL
        self.pool.empty()
        self.state = State.KILLED


registers: Final = static(
    tcb.UserContext
)  # what a new thread begins with: zeros but for its first instruction


def fill_page(frame: CPtr, address: u64, image: Array[u8], entry: elf.Segment) -> None:
    """Copy what the segment has for the page at `address` into the fresh frame that will stand there."""
    start = max(address, entry.virtual_address)
    end = min(address + PAGE_BYTES, entry.virtual_address + entry.file_size)
    if start >= end:
        return
    space = supervisor.space
    space.map_page(frame, supervisor.scratch, READ_WRITE, page.NOT_EXECUTABLE)
    into = Array[u8].at(supervisor.scratch + (start - address), end - start)
    source = image.part(entry.offset + (start - entry.virtual_address), end - start)
    copy_bytes(into, source)
    page.unmap(frame)


def copy_bytes(into: Array[u8], source: Array[u8]) -> None:
    """Copy bytes; eight at a time where both ends allow it."""
    done: u64 = 0
    length = len(source)
    if (into.address | source.address) & 7 == 0:
        done = length & ~7
        machine.copy_memory(into.address, source.address, done)
    for i in range(done, length):
        into[i] = source[i]
