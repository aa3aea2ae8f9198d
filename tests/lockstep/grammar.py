"""Steps at random that mostly mean something: the grammar of what threads do to one another.

`next_step(random)` looks at the current thread in the memory at hand: what its CSpace holds and where there is room.
It chooses a capability, then an operation on its object, then arguments that are mostly of the right kind, with edges (0,
the largest, one too many) among them; some steps are noise, faults or interrupts. `random` may be hypothesis's, which
then knows how to make the run shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Final

from pith.abi.labels import Label
from pith.abi.objects import ASID_POOL_BITS, ObjectType
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.kernel import benchmark, debug
from pith.kernel.capability import has_children, is_final
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    SchedControlCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.riscv64.csr import INTERRUPT
from pith.kernel.scheduler import is_runnable
from pith.metal import Struct, memory, size_of
from pith.verify.census import CNode, designated

from .steps import MASK64, WORDS, Message, Step, benchmark_number, system_call
from .town import FIRST_LINE, HANDLER_COUNT, LOG, PERIOD
from .world import current

MOST_SLOTS: Final = 256
SLOT_BYTES: Final = size_of(Slot)
LONELY: Final = (3, 4, 4, 6)  # below so many threads that could run, a thread thinks of company
EDGES: Final = (
    0,
    1,
    2,
    7,
    63,
    64,
    65,
    255,
    256,
    4095,
    4096,
    1 << 21,
    1 << 38,
    (1 << 63) - 1,
    1 << 63,
    MASK64,
)
ADDRESSES: Final = (0x1_0000, 0x20_0000, 0x4000_0000, 0x4000_1000, 0x4020_0000, 0x8000_0000, 0x3F_FFFF_E000)
ELAPSED: Final = (
    0,
    0,
    5,
    10,
    10,
    20,
    20,
    50,
    100,
    200,
    200,
    500,
    2000,
    30_000,
)  # ticks; a budget is some hundreds
FAULTS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 15)

Operation = tuple[Label, Callable[["Speaker"], "Arguments"]]


class Arguments:
    """Of an invocation: words and capabilities."""

    def __init__(self, *words: int, caps: tuple[int, ...] = (), target: int | None = None) -> None:
        self.words, self.caps = words, caps
        self.target = target  # the capability to invoke, if not any of the kind


def _content(root: CNodeCap) -> bytes:
    """All slots of a CNode, as they stand in memory."""
    start = memory.offset_of(root.cnode.address, SLOT_BYTES << root.radix, 8)
    return memory.view_u8[start : start + (SLOT_BYTES << root.radix)].tobytes()


@lru_cache(maxsize=16)  # most entries of the kernel change no slot
def _sorted_slots(content: bytes) -> tuple[dict[type, list[int]], list[int]]:
    """The indexes of slots by the kind that they hold, told by the raw tags; and of those that are empty."""
    caps: dict[type, list[int]] = {}
    empty = []
    for index, low in enumerate(memoryview(content).cast("Q").tolist()[:: SLOT_BYTES // 8]):
        if low:
            caps.setdefault(_KINDS[low & 31], []).append(index)
        else:
            empty.append(index)
    return caps, empty


class Speaker:
    """The current thread's view of the world, and its dice."""

    def __init__(self, random: Random) -> None:
        self.random = random
        root = current().slots[ThreadSlot.CSPACE].cap
        self.root = root if isinstance(root, CNodeCap) and root.radix <= 8 else None
        self._objects: dict[type, list[Struct | CNode | None]] = {}
        self.caps, self.empty = _sorted_slots(_content(self.root) if self.root is not None else b"")

    def is_lonely(self) -> bool:
        """Whether hardly anyone could run if the current thread could not."""
        missing = self.random.choice(LONELY)
        for thread in self.objects(ThreadCap):
            if isinstance(thread, Thread) and can_run(thread):
                missing -= 1
                if not missing:
                    return False
        return True

    def own_reply(self) -> Reply | None:
        """The reply object in which who lent the current thread its time waits for an answer."""
        context = current().context
        return None if context is None else context.reply

    # Numbers ------------------------------------------------------------------------------------------------

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def number(self, limit: int = 1 << 64) -> int:
        """An edge, or any number below the limit."""
        if self.chance(50):
            return self.random.choice(EDGES) % limit
        return self.random.randrange(limit)

    def below(self, limit: int) -> int:
        """Mostly below the limit."""
        return self.number() if self.chance(3) else self.random.randrange(limit)

    # Names --------------------------------------------------------------------------------------------------

    def address(self, index: int) -> int:
        """The capability address of a slot of the root CNode."""
        if self.root is None:
            return index
        depth = self.root.radix + self.root.guard_size
        return (self.root.guard << self.root.radix | index) << max(64 - depth, 0) & MASK64

    def one_of(self, *kinds: type) -> int:
        """The address of a capability of one of these kinds, or seldom of any, or of none."""
        if self.chance(4):
            index = self.any_full() if self.chance(50) else self.random.randrange(MOST_SLOTS)
            return self.address(index) if self.chance(80) else self.number()
        found = self.caps.get(self.random.choice(kinds), [])
        return self.address(self.random.choice(found)) if found else 0

    def any_full(self) -> int:
        """The index of a slot that holds something; each kind as likely as the other."""
        if not self.caps:
            return 0
        return self.random.choice(self.caps[self.random.choice(list(self.caps))])

    def any_empty(self) -> int:
        if self.chance(6) or not self.empty:
            return self.any_full() if self.chance(50) else self.random.randrange(MOST_SLOTS)
        return self.random.choice(self.empty)

    def cap_at(self, index: int) -> Cap:
        """What a slot of the root CNode holds."""
        if self.root is None or index >= 1 << self.root.radix:
            return NullCap()
        return self.slot_at(index).cap

    def slot_at(self, index: int) -> Slot:
        """Slot `index` of the root CNode, which there is."""
        assert self.root is not None
        return Slot.at(self.root.cnode.address + SLOT_BYTES * index)

    def objects(self, kind: type) -> list[Struct | CNode | None]:
        """What the capabilities of one kind in the root CNode designate."""
        if kind not in self._objects:
            self._objects[kind] = [designated(self.cap_at(index)) for index in self.caps.get(kind, ())]
        return self._objects[kind]

    def name_of(self, kind: type, item: Struct | None) -> int:
        """The address of a capability of that kind to that very object; of any if there is none, and seldom even so."""
        found = [
            i for i, named in zip(self.caps.get(kind, ()), self.objects(kind), strict=True) if named is item
        ]
        return self.address(self.random.choice(found)) if found and self.chance(92) else self.one_of(kind)

    def partner(self) -> int:
        """The address of an endpoint or notification capability: mostly to an endpoint where somebody waits."""
        busy = [e for e in self.objects(EndpointCap) if isinstance(e, Endpoint) and e.queue.head is not None]
        if busy and self.chance(60):
            return self.name_of(EndpointCap, self.random.choice(busy))
        return self.one_of(EndpointCap, EndpointCap, NotificationCap)

    def space(self) -> int:
        """The address of a page table capability: mostly to the root of an address space."""
        roots = [
            index
            for index in self.caps.get(PageTableCap, ())
            if isinstance(cap := self.cap_at(index), PageTableCap) and cap.is_root and cap.is_mapped
        ]
        return (
            self.address(self.random.choice(roots))
            if roots and self.chance(85)
            else self.one_of(PageTableCap)
        )

    def node(self) -> int:
        """The address of a CNode capability: mostly of the root to itself, for that reaches everything."""
        nodes = self.caps.get(CNodeCap, [])
        if self.root is not None and nodes and self.chance(85):
            for index in nodes:
                cap = self.cap_at(index)
                if isinstance(cap, CNodeCap) and cap.cnode is self.root.cnode:
                    return self.address(index)
        return self.one_of(CNodeCap)

    def depth(self) -> int:
        return self.number(70) if self.chance(6) else 64


# Operations on each kind of object ------------------------------------------------------------------------


def _retype(s: Speaker) -> Arguments:
    kind = s.random.choice(list(ObjectType)) if s.chance(97) else s.number(20)
    size = s.random.choice((4, 5, 7, 8, 9, 10, 12, 14)) if s.chance(90) else s.number(70)
    node, offset = s.node(), s.any_empty()
    inner = s.chance(5)
    index, depth = (s.any_full(), s.depth()) if inner else (0, 0)
    return Arguments(kind, size, index, depth, offset, 1 if s.chance(70) else s.below(6), caps=(node,))


def _slot(s: Speaker) -> Arguments:
    index = s.any_full() if s.chance(90) else s.any_empty()
    return Arguments(index, s.depth())


def _slot_of(*kinds: type) -> Callable[[Speaker], Arguments]:
    return lambda s: Arguments(s.one_of(*kinds), s.depth())


def _transfer(*, words: int) -> Callable[[Speaker], Arguments]:
    def arguments(s: Speaker) -> Arguments:
        fixed = (s.any_empty(), s.depth(), s.any_full(), s.depth())
        rights = 15 if s.chance(60) else s.below(16)
        data = s.random.randrange(4) if s.chance(80) else s.number()
        extra = {0: (), 1: (rights,), 2: (rights, data), 3: (data,)}[words]
        return Arguments(*fixed, *extra, caps=(s.node(),))

    return arguments


def _into_inner(s: Speaker) -> Arguments:
    """Move or copy into a CNode that is not the root: so CNodes come to hold one another, and themselves."""
    index = s.random.choice(s.caps.get(CNodeCap, [0]))
    cap = s.cap_at(index)
    if not isinstance(cap, CNodeCap):
        return Arguments()
    depth = cap.radix + cap.guard_size
    source = s.any_full() if s.chance(50) else s.random.choice(s.caps.get(CNodeCap, [0]))
    words = (s.random.randrange(1 << min(cap.radix, 8)), depth, source, 64, 15)
    return Arguments(*words, caps=(s.node(),), target=s.address(index))


def _ending(s: Speaker) -> Arguments:
    """Delete what is likely the last capability to its object."""
    kinds = (EndpointCap, NotificationCap, ReplyCap, CNodeCap, ThreadCap, PageTableCap)
    kind = s.random.choice(kinds)
    found = [i for i in s.caps.get(kind, []) if not has_children(s.slot_at(i)) and is_final(s.slot_at(i))]
    return Arguments(s.random.choice(found) if found else s.any_full(), 64)


def _rotate(s: Speaker) -> Arguments:
    source, pivot = s.any_full(), s.any_full()
    destination = source if s.chance(30) else s.any_empty() if s.chance(90) else s.any_full()
    words = (destination, s.depth(), s.below(3), pivot, s.depth(), s.below(3), source, s.depth())
    return Arguments(*words, caps=(s.node(), s.node()))


def _nothing(s: Speaker) -> Arguments:
    return Arguments()


def _words(*limits: int) -> Callable[[Speaker], Arguments]:
    return lambda s: Arguments(*(s.below(limit) for limit in limits))


def _caps(*kinds: type) -> Callable[[Speaker], Arguments]:
    return lambda s: Arguments(caps=(s.one_of(*kinds),))


def _priority(s: Speaker) -> Arguments:
    return Arguments(245 + s.below(11), caps=(s.one_of(ThreadCap),))


def _sched_params(s: Speaker) -> Arguments:
    context = s.one_of(SchedContextCap) if s.chance(85) else 0
    handler = s.one_of(EndpointCap) if s.chance(70) else 0
    return Arguments(255, 245 + s.below(11), caps=(s.one_of(ThreadCap), context, handler))


def _space(s: Speaker) -> Arguments:
    handler = s.one_of(EndpointCap) if s.chance(70) else 0
    data = s.number() if s.chance(8) else 0
    return Arguments(data, 0, caps=(handler, _mostly(s, s.node()), s.space()))


def _mostly(s: Speaker, address: int) -> int:
    """That capability, or seldom one of which no copy can be made as long as it has children."""
    return address if s.chance(95) else s.one_of(UntypedCap)


def _configure(s: Speaker) -> Arguments:
    data = s.number() if s.chance(5) else 0
    return Arguments(data, 0, _buffer(s), caps=(s.node(), s.space(), _mostly(s, s.one_of(FrameCap))))


def _buffer(s: Speaker) -> int:
    address = s.random.choice(ADDRESSES) + 0x400 * s.random.randrange(4)
    return address if s.chance(94) else s.number()


def _ipc_buffer(s: Speaker) -> Arguments:
    return Arguments(_buffer(s), caps=(_mostly(s, s.one_of(FrameCap)),))


def _write_registers(s: Speaker) -> Arguments:
    count = s.below(34)
    return Arguments(s.random.randrange(2), count, *(s.number() for _ in range(min(count, 34))))


def _configure_time(s: Speaker) -> Arguments:
    period = s.random.choice((0, 20, 100, PERIOD, 5 * PERIOD)) if s.chance(92) else s.number()
    budget = s.random.choice((20, 50, 300, PERIOD, period)) if s.chance(92) else s.number()
    return Arguments(budget, period, s.below(9), s.number(), s.below(4), caps=(s.one_of(SchedContextCap),))


def _map_page(s: Speaker) -> Arguments:
    """Mostly where the initial thread has tables, or where the frame is mapped already."""
    base = s.random.choice(ADDRESSES) if s.chance(40) else ADDRESSES[0]
    address = (
        base + 0x1000 * s.random.choice((0, 0, 1, 2, 16, 17, 18, 19)) if s.chance(94) else s.number(1 << 40)
    )
    index = s.random.choice(s.caps.get(FrameCap, [0]))
    frame = s.cap_at(index)
    if isinstance(frame, FrameCap) and frame.mapped_address and s.chance(40):
        address = frame.mapped_address
    return Arguments(address, s.below(16), s.below(2), caps=(s.space(),), target=s.address(index))


def _map_table(s: Speaker) -> Arguments:
    address = s.random.choice(ADDRESSES) if s.chance(94) else s.number()
    return Arguments(address, 0, caps=(s.space(),))


def _make_pool(s: Speaker) -> Arguments:
    small = [
        index
        for index in s.caps.get(UntypedCap, ())
        if isinstance(cap := s.cap_at(index), UntypedCap)
        and cap.size_bits == ASID_POOL_BITS
        and not cap.is_device
    ]
    memory = s.address(s.random.choice(small)) if small and s.chance(80) else s.one_of(UntypedCap)
    return Arguments(s.any_empty(), s.depth(), caps=(memory, s.node()))


def _issue(s: Speaker) -> Arguments:
    return Arguments(s.below(12), s.any_empty(), s.depth(), caps=(s.node(),))


def _issue_trigger(s: Speaker) -> Arguments:
    return Arguments(s.below(12), s.below(2), s.any_empty(), s.depth(), caps=(s.node(),))


def _domain(s: Speaker) -> Arguments:
    return Arguments(s.random.choice((0, 0, 0, 1, 2, 3)), caps=(s.one_of(ThreadCap),))


def _schedule(s: Speaker) -> Arguments:
    duration = s.random.choice((0, 500, 3000, 20000)) if s.chance(90) else s.number()
    return Arguments(s.below(4) if s.chance(90) else s.number(), s.random.choice((0, 0, 1, 2, 3)), duration)


def _unbind_object(s: Speaker) -> Arguments:
    """Name a context, and what is bound to it."""
    bound = [
        c for c in s.objects(SchedContextCap) if isinstance(c, SchedContext) and (c.thread or c.notification)
    ]
    if not bound:
        return Arguments(caps=(s.one_of(*_BINDABLE),))
    context = s.random.choice(bound)
    kind, item = (ThreadCap, context.thread) if context.thread else (NotificationCap, context.notification)
    return Arguments(caps=(s.name_of(kind, item),), target=s.name_of(SchedContextCap, context))


def _unbind_notification(s: Speaker) -> Arguments:
    """Mostly of a thread that has one."""
    bound = [t for t in s.objects(ThreadCap) if isinstance(t, Thread) and t.bound_notification]
    return Arguments(target=s.name_of(ThreadCap, s.random.choice(bound))) if bound else Arguments()


_BINDABLE = (ThreadCap, NotificationCap)
OPERATIONS: Final[dict[type, tuple[tuple[int, Label, Callable[[Speaker], Arguments]], ...]]] = {
    UntypedCap: ((10, Label.UNTYPED_RETYPE, _retype),),
    CNodeCap: (
        (6, Label.CNODE_COPY, _transfer(words=1)),
        (8, Label.CNODE_MINT, _transfer(words=2)),
        (6, Label.CNODE_MOVE, _transfer(words=0)),
        (3, Label.CNODE_MUTATE, _transfer(words=3)),
        (3, Label.CNODE_ROTATE, _rotate),
        (4, Label.CNODE_DELETE, _slot),
        (3, Label.CNODE_DELETE, _slot_of(EndpointCap, NotificationCap, ReplyCap, PageTableCap, ThreadCap)),
        (1, Label.CNODE_REVOKE, _slot),
        (4, Label.CNODE_REVOKE, _slot_of(EndpointCap, NotificationCap, ReplyCap, SchedContextCap)),
        (8, Label.CNODE_DELETE, _ending),
        (3, Label.CNODE_COPY, _into_inner),
        (3, Label.CNODE_MOVE, _into_inner),
        (2, Label.CNODE_CANCEL_BADGED_SENDS, _slot_of(EndpointCap)),
    ),
    ThreadCap: (
        (1, Label.TCB_READ_REGISTERS, _words(2, 36)),
        (1, Label.TCB_WRITE_REGISTERS, _write_registers),
        (1, Label.TCB_COPY_REGISTERS, lambda s: Arguments(s.below(16), caps=(s.one_of(ThreadCap),))),
        (3, Label.TCB_CONFIGURE, _configure),
        (4, Label.TCB_SET_PRIORITY, _priority),
        (1, Label.TCB_SET_MC_PRIORITY, _priority),
        (4, Label.TCB_SET_SCHED_PARAMS, _sched_params),
        (2, Label.TCB_SET_TIMEOUT_ENDPOINT, _caps(EndpointCap)),
        (3, Label.TCB_SET_IPC_BUFFER, _ipc_buffer),
        (3, Label.TCB_SET_SPACE, _space),
        (2, Label.TCB_SUSPEND, _nothing),
        (9, Label.TCB_RESUME, _nothing),
        (3, Label.TCB_BIND_NOTIFICATION, _caps(NotificationCap)),
        (2, Label.TCB_UNBIND_NOTIFICATION, _unbind_notification),
        (1, Label.TCB_SET_TLS_BASE, _words(1 << 64)),
        (1, Label.TCB_SET_FLAGS, _words(4, 4)),
    ),
    SchedContextCap: (
        (5, Label.SCHED_CONTEXT_BIND, _caps(*_BINDABLE)),
        (1, Label.SCHED_CONTEXT_UNBIND, _nothing),
        (1, Label.SCHED_CONTEXT_UNBIND_OBJECT, _caps(*_BINDABLE)),
        (1, Label.SCHED_CONTEXT_UNBIND_OBJECT, _unbind_object),
        (2, Label.SCHED_CONTEXT_CONSUMED, _nothing),
        (4, Label.SCHED_CONTEXT_YIELD_TO, _nothing),
    ),
    SchedControlCap: ((5, Label.SCHED_CONTROL_CONFIGURE_FLAGS, _configure_time),),
    FrameCap: (
        (8, Label.PAGE_MAP, _map_page),
        (2, Label.PAGE_UNMAP, _nothing),
        (1, Label.PAGE_GET_ADDRESS, _nothing),
    ),
    PageTableCap: ((4, Label.PAGE_TABLE_MAP, _map_table), (1, Label.PAGE_TABLE_UNMAP, _nothing)),
    ASIDControlCap: ((3, Label.ASID_CONTROL_MAKE_POOL, _make_pool),),
    ASIDPoolCap: ((3, Label.ASID_POOL_ASSIGN, _caps(PageTableCap)),),
    IRQControlCap: (
        (2, Label.IRQ_ISSUE_IRQ_HANDLER, _issue),
        (2, Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER, _issue_trigger),
    ),
    IRQHandlerCap: (
        (4, Label.IRQ_ACK_IRQ, _nothing),
        (3, Label.IRQ_SET_IRQ_HANDLER, _caps(NotificationCap)),
        (1, Label.IRQ_CLEAR_IRQ_HANDLER, _nothing),
    ),
    DomainCap: (
        (3, Label.DOMAIN_SET, _domain),
        (2, Label.DOMAIN_SCHEDULE_CONFIGURE, _schedule),
        (1, Label.DOMAIN_SCHEDULE_SET_START, _words(3)),
    ),
}
_ALL: Final = [(kind, label, make) for kind, known in OPERATIONS.items() for _, label, make in known]
_WEIGHTED: Final = {
    kind: [(label, make) for weight, label, make in known for _ in range(weight)]
    for kind, known in OPERATIONS.items()
}
# How often an invocation is of an object of each kind.
SUBJECTS: Final = tuple(kind for kind, weight in (
    (UntypedCap, 10), (CNodeCap, 22), (ThreadCap, 26), (SchedContextCap, 10), (SchedControlCap, 5), (FrameCap, 7),
    (PageTableCap, 4), (ASIDControlCap, 2), (ASIDPoolCap, 3), (IRQControlCap, 2), (IRQHandlerCap, 4), (DomainCap, 2),
) for _ in range(weight))  # fmt: skip
_KINDS: Final[dict[int, type]] = {
    kind.__tag__: kind for kind in (*OPERATIONS, EndpointCap, NotificationCap, ReplyCap, ZombieCap)
}  # type: ignore[attr-defined]


# Steps ----------------------------------------------------------------------------------------------------


def can_run(thread: Thread) -> bool:
    """Whether the thread runs sooner or later if nothing happens to it."""
    return thread.context is not None and is_runnable(thread)


def is_serving(thread: Thread) -> bool:
    """Whether the thread waits to be called by somebody who lends it time."""
    waits = thread.state is ThreadState.BLOCKED_ON_RECEIVE
    return waits and thread.context is None and thread.wait_reply is not None


def _company(s: Speaker, surroundings: dict[str, int]) -> Step:
    """The world would fall asleep if this thread stopped: let another run, or do what cannot stop this one."""
    threads = [
        t for t in s.objects(ThreadCap) if isinstance(t, Thread) and not can_run(t) and not is_serving(t)
    ]
    if threads and s.chance(85):
        return _rescue(s, s.random.choice(threads), surroundings)
    words = tuple(s.number() for _ in range(s.random.randrange(6)))
    number = s.random.choice((SystemCall.NB_SEND, SystemCall.NB_SEND, SystemCall.NB_RECV, SystemCall.YIELD))
    target = s.one_of(EndpointCap, NotificationCap, ReplyCap)
    return system_call(number, target, Message(0, words), s.one_of(ReplyCap), **surroundings)


def _rescue(s: Speaker, thread: Thread, surroundings: dict[str, int]) -> Step:
    """What the thread needs to run: time, or what it waits for, or a fresh start."""
    free = [c for c in s.objects(SchedContextCap) if isinstance(c, SchedContext) and not c.thread]
    if thread.context is None and free and s.chance(70):
        context, caps = s.name_of(SchedContextCap, s.random.choice(free)), (s.name_of(ThreadCap, thread),)
        return system_call(
            SystemCall.CALL, context, Message(Label.SCHED_CONTEXT_BIND, (), caps), **surroundings
        )
    message = Message(s.below(3), tuple(s.number() for _ in range(s.random.randrange(6))))
    reply = s.one_of(ReplyCap)
    match thread.state if s.chance(80) else ThreadState.INACTIVE:
        case ThreadState.BLOCKED_ON_RECEIVE:
            target = s.name_of(EndpointCap, thread.wait_endpoint)
            return system_call(SystemCall.NB_SEND, target, message, **surroundings)
        case ThreadState.BLOCKED_ON_SEND:
            target = s.name_of(EndpointCap, thread.wait_endpoint)
            return system_call(SystemCall.NB_RECV, target, message, reply, **surroundings)
        case ThreadState.BLOCKED_ON_REPLY:
            return system_call(
                SystemCall.NB_SEND, s.name_of(ReplyCap, thread.wait_reply), message, **surroundings
            )
        case ThreadState.BLOCKED_ON_NOTIFICATION:
            target = s.name_of(NotificationCap, thread.wait_notification)
            return system_call(SystemCall.NB_SEND, target, message, **surroundings)
        case _:
            target = s.name_of(ThreadCap, thread)
            return system_call(SystemCall.CALL, target, Message(Label.TCB_RESUME), **surroundings)


def next_step(random: Random) -> Step:
    """What the current thread does next."""
    speaker = Speaker(random)
    surroundings = _surroundings(speaker)
    if speaker.is_lonely() and speaker.chance(93):
        return _company(speaker, surroundings)
    if (debug.DEBUG or benchmark.MODE != benchmark.OFF) and speaker.chance(8):
        return _special(speaker, surroundings)
    roll = random.randrange(100)
    if roll < 42:
        return _invocation(speaker, surroundings)
    if roll < 82:
        return _communication(speaker, surroundings)
    if roll < 86:
        return system_call(SystemCall.YIELD, **surroundings)
    if roll < 91:
        return Step(cause=random.choice(FAULTS), value=speaker.number(), **surroundings)
    if roll < 96:
        return _interrupt(speaker, surroundings)
    return _noise(speaker, surroundings)


def _surroundings(s: Speaker) -> dict[str, int]:
    """Time, how long kernel entries take, and what devices and the thread's arithmetic do."""
    found = {"elapse": s.random.choice(ELAPSED) if s.chance(98) else s.number(1 << 20)}
    if s.chance(15):
        found["look"] = s.random.choice((50, 1000, 20_000))
    if s.chance(6):
        found["lines"] = 1 << FIRST_LINE + s.random.randrange(HANDLER_COUNT + 1)
    if s.chance(10):
        found["float"] = s.number()
    return found


def _interrupt(s: Speaker, surroundings: dict[str, int]) -> Step:
    if s.chance(60):
        return Step(cause=INTERRUPT | 5, **surroundings)
    lines = 1 << FIRST_LINE + s.random.randrange(HANDLER_COUNT)
    return Step(cause=INTERRUPT | 9, **surroundings | {"lines": lines})


def _invocation(s: Speaker, surroundings: dict[str, int]) -> Step:
    if s.chance(10):
        return _slip(s, surroundings)
    kind = s.random.choice(SUBJECTS)
    label, make = s.random.choice(_WEIGHTED[kind])
    target = s.node() if kind is CNodeCap else s.one_of(kind)
    arguments = make(s)
    target = target if arguments.target is None else arguments.target
    length = s.random.choice((0, 1, 2, s.number(128))) if s.chance(5) else None
    extra_caps = s.random.choice((0, 0, 1, 2, 3)) if s.chance(5) else None
    message = Message(int(label), arguments.words, arguments.caps, length, extra_caps)
    number = SystemCall.CALL if s.chance(93) else s.random.choice((SystemCall.SEND, SystemCall.NB_SEND))
    if s.chance(2):
        return system_call(
            SystemCall.NB_SEND_RECV,
            s.one_of(EndpointCap),
            message,
            s.one_of(ReplyCap),
            target,
            **surroundings,
        )
    return system_call(number, target, message, **surroundings)


def _slip(s: Speaker, surroundings: dict[str, int]) -> Step:
    """An invocation with one mistake, each as likely as the other; one of another object's is a mistake, too."""
    kind, label, make = s.random.choice(_ALL)
    arguments = make(s)
    target = s.one_of(kind) if arguments.target is None else arguments.target
    words, caps = arguments.words, arguments.caps
    match s.random.randrange(5):
        case 0:
            target = s.address(s.any_empty())
        case 1:
            target = s.address(s.any_full())
        case 2:
            words = words[: s.random.randrange(len(words) + 1)]
        case 3:
            caps = caps[:-1]
        case _ if words:
            wrong = s.random.randrange(len(words))
            other = s.any_full() if s.chance(40) else s.number()
            words = (*words[:wrong], other, *words[wrong + 1 :])
    return system_call(SystemCall.CALL, target, Message(int(label), words, caps), **surroundings)


def _communication(s: Speaker, surroundings: dict[str, int]) -> Step:
    """Messages between threads: sending, receiving, answering, both at once."""
    words = tuple(s.number() for _ in range(s.random.choice((0, 1, 3, 4, 5, 12, 120))))
    caps = tuple(s.address(s.any_full()) for _ in range(s.random.choice((0, 0, 0, 1, 2, 3))))
    message = Message(s.below(8), words, caps)
    lender = s.own_reply()
    if s.chance(55) and (step := _service(s, lender, words, surroundings)) is not None:
        return step
    number = s.random.choice(_SERVER_CALLS if lender is not None and s.chance(70) else _CALLS)
    target = s.one_of(ReplyCap) if number in _SENDS and s.chance(15) else s.partner()
    receive = (s.node(), s.any_empty(), s.depth()) if s.chance(60) else None
    reply = s.one_of(ReplyCap) if lender is None else s.name_of(ReplyCap, lender)
    if number == SystemCall.NB_SEND_WAIT:
        reply = s.one_of(EndpointCap, NotificationCap, ReplyCap)
    return system_call(
        number,
        target,
        message,
        reply,
        s.one_of(EndpointCap, NotificationCap, ReplyCap),
        receive,
        **surroundings,
    )


def _service(
    s: Speaker, lender: Reply | None, words: tuple[int, ...], surroundings: dict[str, int]
) -> Step | None:
    """What systems of servers do most: answer who lent the time, or else call a server that waits for that."""
    message = Message(s.below(8), words)
    endpoints = [e for e in s.objects(EndpointCap) if isinstance(e, Endpoint)]
    if lender is not None:
        quiet = [e for e in endpoints if e.queue.head is None]
        target = s.name_of(EndpointCap, s.random.choice(quiet)) if quiet else s.one_of(EndpointCap)
        return system_call(
            SystemCall.REPLY_RECV, target, message, s.name_of(ReplyCap, lender), **surroundings
        )
    served = [e for e in endpoints if e.queue.head is not None and is_serving(e.queue.head)]
    if not served:
        return None
    return system_call(
        SystemCall.CALL, s.name_of(EndpointCap, s.random.choice(served)), message, **surroundings
    )


_SERVER_CALLS = (SystemCall.CALL, SystemCall.REPLY_RECV, SystemCall.REPLY_RECV, SystemCall.NB_SEND_WAIT)
_SENDS = (SystemCall.SEND, SystemCall.NB_SEND, SystemCall.CALL)
_CALLS = (
    SystemCall.CALL, SystemCall.CALL, SystemCall.CALL, SystemCall.REPLY_RECV, SystemCall.REPLY_RECV,
    SystemCall.NB_SEND_RECV, SystemCall.NB_SEND_WAIT, SystemCall.SEND, SystemCall.SEND, SystemCall.NB_SEND, SystemCall.NB_SEND,
    SystemCall.RECV, SystemCall.RECV, SystemCall.NB_RECV, SystemCall.WAIT, SystemCall.NB_WAIT,
)  # fmt: skip


def _special(s: Speaker, surroundings: dict[str, int]) -> Step:
    """A call that only builds for debugging or benchmarks have."""
    numbers: list[int] = []
    if debug.DEBUG:
        numbers += _DEBUG_CALLS
    if benchmark.MODE != benchmark.OFF:
        numbers += map(benchmark_number, _BENCHMARK_CALLS)
    target = s.one_of(ThreadCap) if s.chance(60) else s.address(s.any_full() if s.chance(60) else LOG)
    step = system_call(s.random.choice(numbers), target, **surroundings)
    text = [
        (WORDS + index, s.random.getrandbits(63) | _NO_ZERO_BYTE) for index in range(s.random.randrange(5))
    ]
    return replace(step, buffer=(*text, (WORDS + len(text), s.number())))


_DEBUG_CALLS = (
    *(DebugCall.PUT_CHAR, DebugCall.CAP_IDENTIFY, DebugCall.CAP_IDENTIFY, DebugCall.NAME_THREAD) * 5,
    *(DebugCall.DUMP_SCHEDULER, DebugCall.SNAPSHOT, DebugCall.HALT),
)
# Each the likelier, the less it spoils for the others.
_BENCHMARK_CALLS = (
    *tuple(BenchmarkCall) * 2, BenchmarkCall.RESET_LOG, BenchmarkCall.RESET_LOG, BenchmarkCall.SET_LOG_BUFFER,
    *(BenchmarkCall.GET_THREAD_UTILISATION,) * 4,
)  # fmt: skip
_NO_ZERO_BYTE = 0x2020_2020_2020_2020


def _noise(s: Speaker, surroundings: dict[str, int]) -> Step:
    """Registers that mean nothing, but for the number of a system call mostly."""
    number = -s.random.randrange(20) if s.chance(90) else s.number()
    message = Message(
        s.random.choice(list(Label)) if s.chance(80) else s.number(1 << 52),
        tuple(s.number() for _ in range(s.random.randrange(12))),
        tuple(s.address(s.random.randrange(MOST_SLOTS)) for _ in range(s.random.randrange(4))),
    )
    target = s.address(s.random.randrange(MOST_SLOTS)) if s.chance(80) else s.number()
    receive = (s.number(), s.number(), s.number())
    return system_call(number, target, message, s.one_of(ReplyCap), s.number(), receive, **surroundings)
