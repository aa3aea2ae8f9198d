"""Steps at random that mostly mean something: the grammar of what threads do to one another.

`next_step(random)` looks at the current thread in the memory at hand: what its CSpace holds and where there is room.
It chooses a capability, then an operation on its object, then arguments that are mostly of the right kind, with edges (0,
the largest, one too many) among them; some steps are noise, faults or interrupts. `random` may be hypothesis's, which
then knows how to make the run shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.abi.syscalls import SystemCall
from pith.kernel.capability import has_children, is_final
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    EndpointCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    ReplyCap,
    SchedContextCap,
    SchedControlCap,
    Slot,
    ThreadCap,
    ThreadSlot,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.riscv64.csr import INTERRUPT
from pith.kernel.scheduler import is_runnable
from pith.metal import memory

from .steps import MASK64, Message, Step, system_call
from .town import FIRST_LINE, HANDLER_COUNT, PERIOD
from .world import current

MOST_SLOTS: Final = 256
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
FAULTS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 15)

Operation = tuple[Label, Callable[["Speaker"], "Arguments"]]


class Arguments:
    """Of an invocation: words and capabilities."""

    def __init__(self, *words: int, caps: tuple[int, ...] = (), target: int | None = None) -> None:
        self.words, self.caps = words, caps
        self.target = target  # the capability to invoke, if not any of the kind


class Speaker:
    """The current thread's view of the world, and its dice."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.caps: dict[type, list[int]] = {}
        self.empty: list[int] = []
        root = current().slots[ThreadSlot.CSPACE].cap
        self.root = root if isinstance(root, CNodeCap) and root.radix <= 8 else None
        if self.root is not None:
            self._look(self.root)

    def _look(self, root: CNodeCap) -> None:
        """Sort the slots by what they hold; the raw tags tell which are empty."""
        start = memory.offset_of(root.cnode.address, 32 << root.radix, 8) >> 3
        tags = memory.view_u64[start : start + (4 << root.radix) : 4].tolist()
        for index, low in enumerate(tags):
            if low:
                self.caps.setdefault(_KINDS[low & 31], []).append(index)
            else:
                self.empty.append(index)

    def is_lonely(self) -> bool:
        """Whether hardly anyone could run if the current thread could not."""
        able = 0
        for index in self.caps.get(ThreadCap, []):
            cap = self.cap_at(index)
            if isinstance(cap, ThreadCap) and cap.thread.context is not None and is_runnable(cap.thread):
                able += 1
        return able < self.random.choice(LONELY)

    def is_serving(self) -> bool:
        """Whether the current thread runs on time that a caller lent it."""
        context = current().context
        return context is not None and context.reply is not None

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
            return self.address(self.random.randrange(MOST_SLOTS)) if self.chance(80) else self.number()
        found = self.caps.get(self.random.choice(kinds), [])
        return self.address(self.random.choice(found)) if found else 0

    def any_full(self) -> int:
        """The index of a slot that holds something; each kind as likely as the other."""
        if not self.caps:
            return 0
        return self.random.choice(self.caps[self.random.choice(list(self.caps))])

    def any_empty(self) -> int:
        if self.chance(4) or not self.empty:
            return self.random.randrange(MOST_SLOTS)
        return self.random.choice(self.empty)

    def cap_at(self, index: int) -> Cap:
        """What a slot of the root CNode holds."""
        if self.root is None or index >= 1 << self.root.radix:
            return NullCap()
        return self.slot_at(index).cap

    def slot_at(self, index: int) -> Slot:
        """Slot `index` of the root CNode, which there is."""
        assert self.root is not None
        return Slot.at(self.root.cnode.address + 32 * index)

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
        return self.number(70) if self.chance(4) else 64


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
    destination = source if s.chance(30) else s.any_empty()
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
    return Arguments(data, 0, caps=(handler, s.node(), s.one_of(PageTableCap)))


def _configure(s: Speaker) -> Arguments:
    data = s.number() if s.chance(5) else 0
    return Arguments(data, 0, _buffer(s), caps=(s.node(), s.one_of(PageTableCap), s.one_of(FrameCap)))


def _buffer(s: Speaker) -> int:
    address = s.random.choice(ADDRESSES) + 0x400 * s.random.randrange(4)
    return address if s.chance(94) else s.number()


def _ipc_buffer(s: Speaker) -> Arguments:
    return Arguments(_buffer(s), caps=(s.one_of(FrameCap),))


def _write_registers(s: Speaker) -> Arguments:
    count = s.below(34)
    return Arguments(s.random.randrange(2), count, *(s.number() for _ in range(min(count, 34))))


def _configure_time(s: Speaker) -> Arguments:
    period = s.random.choice((0, 20, 100, PERIOD, 5 * PERIOD)) if s.chance(92) else s.number()
    budget = s.random.choice((20, 50, 300, PERIOD, period)) if s.chance(92) else s.number()
    return Arguments(budget, period, s.below(9), s.number(), s.below(4), caps=(s.one_of(SchedContextCap),))


def _map_page(s: Speaker) -> Arguments:
    rights = s.below(16)
    return Arguments(_place(s), rights, s.below(2), caps=(s.one_of(PageTableCap),))


def _map_table(s: Speaker) -> Arguments:
    return Arguments(_place(s), 0, caps=(s.one_of(PageTableCap),))


def _place(s: Speaker) -> int:
    return s.random.choice(ADDRESSES) + 0x1000 * s.random.randrange(3) if s.chance(94) else s.number()


def _make_pool(s: Speaker) -> Arguments:
    return Arguments(s.any_empty(), s.depth(), caps=(s.one_of(UntypedCap), s.node()))


def _issue(s: Speaker) -> Arguments:
    return Arguments(s.below(12), s.any_empty(), s.depth(), caps=(s.node(),))


def _issue_trigger(s: Speaker) -> Arguments:
    return Arguments(s.below(12), s.below(2), s.any_empty(), s.depth(), caps=(s.node(),))


def _domain(s: Speaker) -> Arguments:
    return Arguments(s.random.choice((0, 0, 0, 1, 2, 3)), caps=(s.one_of(ThreadCap),))


def _schedule(s: Speaker) -> Arguments:
    duration = s.random.choice((0, 500, 3000, 20000)) if s.chance(90) else s.number()
    return Arguments(s.below(4), s.random.choice((0, 0, 1, 2)), duration)


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
        (2, Label.TCB_UNBIND_NOTIFICATION, _nothing),
        (1, Label.TCB_SET_TLS_BASE, _words(1 << 64)),
        (1, Label.TCB_SET_FLAGS, _words(4, 4)),
    ),
    SchedContextCap: (
        (5, Label.SCHED_CONTEXT_BIND, _caps(*_BINDABLE)),
        (1, Label.SCHED_CONTEXT_UNBIND, _nothing),
        (2, Label.SCHED_CONTEXT_UNBIND_OBJECT, _caps(*_BINDABLE)),
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
# How often an invocation is of an object of each kind.
SUBJECTS: Final = (
    (UntypedCap, 10), (CNodeCap, 22), (ThreadCap, 26), (SchedContextCap, 10), (SchedControlCap, 5), (FrameCap, 7),
    (PageTableCap, 4), (ASIDControlCap, 2), (ASIDPoolCap, 3), (IRQControlCap, 1), (IRQHandlerCap, 4), (DomainCap, 2),
)  # fmt: skip
_KINDS: Final[dict[int, type]] = {
    kind.__tag__: kind for kind in (*OPERATIONS, EndpointCap, NotificationCap, ReplyCap, ZombieCap)
}  # type: ignore[attr-defined]


# Steps ----------------------------------------------------------------------------------------------------

# What a thread does that is nearly alone: nothing that stops it, much that wakes others.
_WAKING: Final = (
    Label.TCB_RESUME,
    Label.TCB_RESUME,
    Label.TCB_RESUME,
    Label.SCHED_CONTEXT_BIND,
    Label.TCB_SET_SCHED_PARAMS,
)


def _company(s: Speaker, surroundings: dict[str, int]) -> Step:
    """The world would fall asleep if this thread stopped: wake another, or do what cannot stop it."""
    if s.chance(25):
        words = tuple(s.number() for _ in range(s.random.randrange(6)))
        number = s.random.choice(
            (SystemCall.NB_SEND, SystemCall.NB_SEND, SystemCall.NB_RECV, SystemCall.YIELD)
        )
        target = s.one_of(EndpointCap, NotificationCap, ReplyCap)
        return system_call(number, target, Message(0, words), s.one_of(ReplyCap), **surroundings)
    label = s.random.choice(_WAKING)
    kind = SchedContextCap if label == Label.SCHED_CONTEXT_BIND else ThreadCap
    make = next(make for _, known, make in OPERATIONS[kind] if known == label)
    arguments = make(s)
    return system_call(
        SystemCall.CALL, s.one_of(kind), Message(label, arguments.words, arguments.caps), **surroundings
    )


def next_step(random: Random) -> Step:
    """What the current thread does next."""
    speaker = Speaker(random)
    surroundings = _surroundings(speaker)
    if speaker.is_lonely() and speaker.chance(93):
        return _company(speaker, surroundings)
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
    found = {"elapse": s.random.choice((0, 10, 200, 2000, 30_000)) if s.chance(98) else s.number(1 << 20)}
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
    kinds = [kind for kind, weight in SUBJECTS for _ in range(weight)]
    kind = s.random.choice(kinds)
    label, make = s.random.choice(
        [(label, make) for weight, label, make in OPERATIONS[kind] for _ in range(weight)]
    )
    target = s.node() if kind is CNodeCap else s.one_of(kind)
    arguments = make(s)
    target = target if arguments.target is None else arguments.target
    if s.chance(2):
        label = s.random.choice(list(Label))
    length = s.number(128) if s.chance(3) else None
    extra_caps = s.random.randrange(4) if s.chance(3) else None
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


def _communication(s: Speaker, surroundings: dict[str, int]) -> Step:
    """Messages between threads: sending, receiving, answering, both at once."""
    words = tuple(s.number() for _ in range(s.random.choice((0, 1, 3, 4, 5, 12, 120))))
    caps = tuple(s.address(s.any_full()) for _ in range(s.random.choice((0, 0, 0, 1, 2, 3))))
    message = Message(s.below(8), words, caps)
    number = s.random.choice(_SERVER_CALLS if s.chance(70) and s.is_serving() else _CALLS)
    partner = s.one_of(EndpointCap, EndpointCap, NotificationCap)
    target = s.one_of(ReplyCap) if number in _SENDS and s.chance(15) else partner
    receive = (s.node(), s.any_empty(), s.depth()) if s.chance(60) else None
    reply = s.one_of(ReplyCap)
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


_SERVER_CALLS = (SystemCall.CALL, SystemCall.REPLY_RECV, SystemCall.REPLY_RECV, SystemCall.NB_SEND_WAIT)
_SENDS = (SystemCall.SEND, SystemCall.NB_SEND, SystemCall.CALL)
_CALLS = (
    SystemCall.CALL, SystemCall.CALL, SystemCall.CALL, SystemCall.REPLY_RECV, SystemCall.REPLY_RECV,
    SystemCall.NB_SEND_RECV, SystemCall.NB_SEND_WAIT, SystemCall.SEND, SystemCall.SEND, SystemCall.NB_SEND, SystemCall.NB_SEND,
    SystemCall.RECV, SystemCall.RECV, SystemCall.NB_RECV, SystemCall.WAIT, SystemCall.NB_WAIT,
)  # fmt: skip


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
