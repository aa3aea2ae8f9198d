"""The census: every slot and object that is alive, found by walking from what the kernel remembers.

The kernel keeps no list of its objects. They are found as a collector of garbage would find them: from the
roots (the kernel's state, the interrupt table, and the root CNode that boot made, for with nobody to run nothing
else leads to the threads) along every reference that the kernel may follow. A slot
leads to what its capability designates and to its neighbours in the derivation order; a CNode or a thread
to its slots; an object to the objects it refers to. Fields that mean something in some states only (what a
thread waits for) are followed in those states only.

The census trusts nothing: a reference that leads out of memory, a tag or an enum that has no such member, is
noted as unreadable, and the walk goes on elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from pith.kernel import benchmark, state
from pith.kernel.objects import (
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    Endpoint,
    EndpointCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadQueue,
    ThreadSlot,
    ThreadState,
    ZombieCap,
)
from pith.metal import Packed, Struct, memory, size_of

from .naming import THREAD_SLOTS, name_of, place

SLOT_BYTES = size_of(Slot)
UNREADABLE = (MemoryError, ValueError, KeyError, IndexError)  # what reading corrupt memory raises
WAITS_AT_ENDPOINT = (ThreadState.BLOCKED_ON_RECEIVE, ThreadState.BLOCKED_ON_SEND)
WAITS_FOR_REPLY = (ThreadState.BLOCKED_ON_RECEIVE, ThreadState.BLOCKED_ON_REPLY)

T = TypeVar("T", bound=Struct)
C = TypeVar("C", bound=Packed)
R = TypeVar("R")


class Violation(NamedTuple):
    """Something that must not be: about what, what was found there, and what must hold instead."""

    subject: str
    found: str
    expected: str
    rule: str = ""  # the name of the predicate

    def __str__(self) -> str:
        return f"{self.subject}: found {self.found}, expected {self.expected}" + (
            f" [{self.rule}]" if self.rule else ""
        )


@dataclass(frozen=True)
class CNode:
    """2**radix slots from `address`: of a CNode, or what is left of one being torn down."""

    address: int
    radix: int

    @property
    def bytes(self) -> int:
        return SLOT_BYTES << self.radix


@dataclass(frozen=True)
class Home:
    """Where a slot stands: at which index of which container, and how people say that."""

    name: str
    address: int  # of the container's first slot
    index: int


@dataclass
class Census:
    """All that is alive, by address."""

    objects: dict[type[Struct], dict[int, Struct]] = field(default_factory=dict)
    cnodes: dict[int, CNode] = field(default_factory=dict)
    slots: dict[int, Slot] = field(default_factory=dict)  # those that hold something
    caps: dict[int, Cap] = field(default_factory=dict)  # what they hold
    strays: list[Slot] = field(default_factory=list)  # those that hold none, and yet are linked
    homes: dict[int, Home] = field(default_factory=dict)  # where slots stand, if anywhere
    contents: dict[int, tuple[int, ...]] = field(
        default_factory=dict
    )  # raw words, of slots that are not zero
    unreadable: list[Violation] = field(default_factory=list)
    conclusions: dict[object, object] = field(default_factory=dict)  # see `once`

    def all(self, kind: type[T]) -> Iterator[T]:
        """Every living object of one kind."""
        return iter(self.objects.get(kind, {}).values())  # type: ignore[arg-type]

    def once(self, conclude: Callable[[Census], R]) -> R:
        """What `conclude` makes of this census, worked out the first time only: several rules want the same."""
        if conclude not in self.conclusions:
            self.conclusions[conclude] = conclude(self)
        return self.conclusions[conclude]  # type: ignore[return-value]

    def slot_name(self, slot: Slot) -> str:
        """What a slot is called: by its place in its container, or its address if it is in no container."""
        home = self.homes.get(slot.address)
        return home.name if home else f"slot at {place(slot.address)}"

    def slots_with(self, kind: type[C]) -> Iterator[tuple[Slot, C]]:
        """Every slot whose capability is of one kind, with it."""
        return ((self.slots[at], cap) for at, cap in self.caps.items() if isinstance(cap, kind))


def take_census() -> Census:
    """Walk the attached memory from the kernel's roots; return what is alive."""
    root = _initial_root()
    census = _walk(root)
    if root is not None and root not in map(designated, census.caps.values()):
        return _walk(None)  # nobody has that CNode any more, and its memory may be anything
    return census


def _initial_root() -> CNode | None:
    """The CNode that boot made, if there was a boot."""
    return CNode(state.kernel.root.cnode.address, state.kernel.root.radix) if state.kernel.root.bits else None


def _walk(root: CNode | None) -> Census:
    census = Census()
    pending: deque[Struct | CNode | Slot] = deque([root] if root is not None else [])
    _follow(census, "the kernel's state", _roots(census), pending)
    while pending:
        item = pending.popleft()
        match item:
            case CNode():
                if item.address not in census.cnodes:
                    census.cnodes[item.address] = item
                    name = f"CNode {place(item.address)}"
                    _follow(census, name, _settle_cnode(census, item, name), pending)
            case Slot():
                if item.address not in census.slots:
                    census.slots[item.address] = item
                    _follow(census, census.slot_name(item), _from_slot(census, item), pending)
            case _:
                known = census.objects.setdefault(type(item), {})
                if item.address not in known:
                    known[item.address] = item
                    _follow(census, _safe_name(item), _from_object(census, item), pending)
    return census


def _safe_name(item: Struct) -> str:
    try:
        return name_of(item)
    except UNREADABLE:
        return f"{type(item).__name__} at {item.address:#x}"


def _follow(
    census: Census,
    name: str,
    references: Iterator[Struct | CNode | None],
    pending: deque[Struct | CNode | Slot],
) -> None:
    """Take up every reference, until the last or the first that cannot be read."""
    try:
        pending.extend(item for item in references if item is not None)
    except UNREADABLE as problem:
        census.unreadable.append(
            Violation(name, f"{type(problem).__name__}: {problem}", "memory that can be read as what it is")
        )


# Where references lead ------------------------------------------------------------------------------------


def _roots(census: Census) -> Iterator[Struct | None]:
    kernel = state.kernel
    yield kernel.current
    yield kernel.idle
    yield kernel.next_thread
    yield kernel.current_context
    yield kernel.fpu_owner
    yield kernel.kernel_root
    yield kernel.next_release
    yield from (queue.head for _, _, queue in census.once(ready_queues))
    yield from kernel.asid_pools
    yield from _settle_slots(
        census, state.interrupts.slots[0].address, state.IRQ_COUNT, "interrupt {}".format
    )
    if benchmark.MODE != benchmark.OFF:  # else a compiled kernel has no such slot
        yield from _settle_slots(
            census, benchmark.log.slots[0].address, 1, "the benchmark log, slot {}".format
        )


def non_empty_queues(ready: state.ReadyQueues) -> list[ThreadQueue]:
    """The queues of one domain that hold a thread, found without the bitmap."""
    heads = words(ready.queues[0].address, len(ready.queues), size_of(ThreadQueue))
    return [ready.queues[index] for index, head in enumerate(heads) if head] if any(heads) else []


def ready_queues(census: Census) -> list[tuple[int, int, ThreadQueue]]:
    """The queues of all domains that hold a thread: domain, priority, queue; for `once`."""
    return [
        (domain, queue_index(ready, queue), queue)
        for domain, ready in enumerate(state.kernel.ready)
        for queue in non_empty_queues(ready)
    ]


def queue_index(ready: state.ReadyQueues, queue: ThreadQueue) -> int:
    """The priority whose ready queue this is."""
    return (queue.address - ready.queues[0].address) // size_of(ThreadQueue)


def words(address: int, count: int, stride: int) -> list[int]:
    """The 64-bit words at `address`, and every `stride` bytes from there, `count` in all; one at least."""
    length = (count - 1) * stride + 8  # what lies behind the last word may be no memory any more
    start = memory.offset_of(address, length, 8) >> 3
    return memory.view_u64[start : start + (length >> 3) : stride >> 3].tolist()


def _settle_slots(census: Census, address: int, count: int, named: Callable[[int], str]) -> Iterator[Slot]:
    """Note where each slot of a container stands; lead to those that are not entirely empty.

    Most slots of most CNodes are empty, so they are told apart by their raw words.
    """
    columns = [words(address + offset, count, SLOT_BYTES) for offset in range(0, SLOT_BYTES, 8)]
    for index, content in enumerate(zip(*columns, strict=True)):
        if any(content):
            slot = Slot.at(address + index * SLOT_BYTES)
            census.contents[slot.address] = content
            census.homes[slot.address] = Home(named(index), address, index)
            yield slot


def _settle_cnode(census: Census, cnode: CNode, name: str) -> Iterator[Slot]:
    return _settle_slots(census, cnode.address, 1 << cnode.radix, lambda index: f"{name}[{index}]")


def _from_slot(census: Census, slot: Slot) -> Iterator[Struct | CNode | None]:
    if slot.address not in census.contents:  # it stands in no container
        census.contents[slot.address] = tuple(words(slot.address, SLOT_BYTES // 8, 8))
    yield slot.previous
    yield slot.link.next
    cap = slot.cap
    if isinstance(cap, NullCap):
        census.strays.append(slot)
        return
    census.caps[slot.address] = cap
    yield designated(cap)


def designated(cap: Cap) -> Struct | CNode | None:
    """The object that a capability designates, if it is more than memory or a right."""
    match cap:
        case EndpointCap(endpoint=item):
            return item
        case NotificationCap(notification=item):
            return item
        case ReplyCap(reply=item):
            return item
        case ThreadCap(thread=item):
            return item
        case SchedContextCap(context=item):
            return item
        case PageTableCap(table=item):
            return item
        case ASIDPoolCap(pool=item):
            return item
        case CNodeCap(radix=radix, cnode=slots):
            return CNode(slots.address, radix)
        case ZombieCap(is_thread=False, radix=radix, slots=slots):
            return CNode(slots.address, radix)
        case ZombieCap(is_thread=True, slots=slots):
            return Thread.at(slots.address - Thread.layout().fields["slots"].offset)
        case _:
            return None


def _from_object(census: Census, item: Struct) -> Iterator[Struct | CNode | None]:
    match item:
        case Thread():
            yield from _from_thread(census, item)
        case Endpoint():
            yield item.queue.head
        case Notification():
            yield from (item.queue.head, item.bound_thread, item.context)
        case Reply():
            yield from (item.caller, item.previous, item.next, item.context)
        case SchedContext():
            yield from (item.thread, item.reply, item.notification, item.yielding_from)
        case ASIDPool():
            yield from (PageTable.at(root) for root in words(item.address, len(item.roots), 8) if root)
        case _:
            return  # page tables: see address_spaces.py, which knows at which level a table stands


def _from_thread(census: Census, thread: Thread) -> Iterator[Struct | None]:
    name = name_of(thread)
    yield from _settle_slots(
        census,
        thread.slots[0].address,
        len(thread.slots),
        lambda index: f"{THREAD_SLOTS[ThreadSlot(index)]} of {name}",
    )
    yield from (thread.queue_next, thread.queue_previous)
    yield from (thread.release_left, thread.release_right)
    yield from (thread.context, thread.yielding_to, thread.bound_notification)
    if thread.state in WAITS_AT_ENDPOINT:
        yield thread.wait_endpoint
    if thread.state in WAITS_FOR_REPLY:
        yield thread.wait_reply
    if thread.state is ThreadState.BLOCKED_ON_NOTIFICATION:
        yield thread.wait_notification
