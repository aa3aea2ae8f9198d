"""Untyped memory: the source of every object.

Retype cuts objects off the front of an untyped's free part. The capability's `watermark` is where that begins:
it only rises, until the untyped has no children left; then everything is free again, and the next retype
first clears what was used. So objects always begin as zeros, the kernel keeps no list of free memory, and what
is cleared is charged to who asked. Clearing goes from the watermark down and lowers it, so that it can stop
at any chunk (Preempted) and go on when the call is made again.

Making objects can stop between any two of them. Those that are made stay, and the call is changed to ask for the others: word 0
of its message, the type, has in its upper half how many were made. A caller that writes that half itself asks for the
rest of such a call, no more. (It is a register; the words that say where and how many may lie in memory that is read only.)

Manual: "Kernel Memory Allocation"; interface `seL4_Untyped`.
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.objects import (
    ENDPOINT_BITS,
    GIGA_PAGE_BITS,
    MAX_UNTYPED_BITS,
    MEGA_PAGE_BITS,
    MIN_SCHED_CONTEXT_BITS,
    MIN_UNTYPED_BITS,
    NOTIFICATION_BITS,
    PAGE_BITS,
    PAGE_TABLE_BITS,
    REPLY_BITS,
    SLOT_BITS,
    TCB_BITS,
    WORD_BITS,
    ObjectType,
)
from pith.metal import MASK32, Value, cold, replace, u6, u7, u8, u9, u40, u48, u64
from pith.metal.machine import zero_memory

from . import debug, scheduler
from .capability import has_children
from .cspace import ensure_empty, insert_new, lookup_in, slot_at
from .errors import FailedLookup, IllegalOperation, InvalidArgument, NotEnoughMemory, Preempted, RangeError
from .message import Invocation, argument, current, extra_slot, require
from .objects import (
    Cap,
    CNodeCap,
    Endpoint,
    EndpointCap,
    FrameCap,
    FrameSize,
    Notification,
    NotificationCap,
    PageTable,
    PageTableCap,
    Register,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    UntypedCap,
)
from .riscv64.window import window_of
from .state import kernel

FAN_OUT_LIMIT: Final = 256  # objects that one call makes
MADE_SHIFT: Final = 32  # in word 0: how many of them it made before it was interrupted
CHUNK: Final = 4096  # bytes cleared between preemption points: some 640 instructions


class Request(Value):
    """What a Retype asks for, less what it made before: `count` objects, their capabilities in `node` from slot `first` on."""

    kind: ObjectType
    size_bits: u6  # as the caller gave it
    object_bits: u6  # of one object, in bytes
    node: CNodeCap
    first: u64
    count: u9


def invoke(cap: UntypedCap, call: Invocation) -> u7:
    """Retype(type, size_bits, root, node_index, node_depth, node_offset, num_objects)."""
    if call.label != Label.UNTYPED_RETYPE:
        raise IllegalOperation()
    require(call, words=6, caps=1)
    request = _read_request(call)
    for index in range(request.count):
        ensure_empty(slot_at(request.node, request.first + index))
    is_fresh = not has_children(call.slot)
    used: u48 = 0 if is_fresh else cap.watermark
    free: u64 = (1 << cap.size_bits) - used
    if free >> request.object_bits < request.count:
        raise NotEnoughMemory(free)
    if cap.is_device and not _can_be_device(request.kind):
        raise InvalidArgument(1)
    if is_fresh:
        _reset(call.slot)
    _create(cap, used, call, request)
    return 0


# What is asked for ----------------------------------------------------------------------------------------


def _read_request(call: Invocation) -> Request:
    made, number = argument(call, 0) >> MADE_SHIFT, argument(call, 0) & MASK32
    if number >= len(ObjectType) or made >= FAN_OUT_LIMIT:
        raise InvalidArgument(0)
    kind = ObjectType(number)
    size_bits = argument(call, 1)
    if size_bits >= WORD_BITS or _object_bits(kind, size_bits) > MAX_UNTYPED_BITS:
        raise RangeError(0, MAX_UNTYPED_BITS)
    if size_bits < _least_size_bits(kind):
        raise InvalidArgument(1)
    node = _destination(call)
    slots = 1 << node.radix
    first, count = argument(call, 4), argument(call, 5)
    if first >= slots:
        raise RangeError(0, slots - 1)
    if not 1 <= count <= FAN_OUT_LIMIT:
        raise RangeError(1, FAN_OUT_LIMIT)
    if count > slots - first:
        raise RangeError(1, slots - first)
    if made >= count:
        raise InvalidArgument(0)
    return Request(kind, size_bits, _object_bits(kind, size_bits), node, first + made, count - made)


def _destination(call: Invocation) -> CNodeCap:
    """The CNode at (root, node_index, node_depth); the root itself at depth 0."""
    cap = extra_slot(call, 0).cap
    depth = argument(call, 3)
    if depth:
        cap = lookup_in(cap, argument(call, 2), depth, is_source=False).cap
    if not isinstance(cap, CNodeCap):
        raise FailedLookup(False, LookupFailureKind.MISSING_CAPABILITY, depth, 0, 0)
    return cap


def _object_bits(kind: ObjectType, size_bits: u6) -> u8:
    """The size of one object in bytes, as a power of two."""
    match kind:
        case ObjectType.UNTYPED | ObjectType.SCHED_CONTEXT:
            return size_bits
        case ObjectType.CNODE:
            return size_bits + SLOT_BITS
        case ObjectType.TCB:
            return TCB_BITS
        case ObjectType.ENDPOINT:
            return ENDPOINT_BITS
        case ObjectType.NOTIFICATION:
            return NOTIFICATION_BITS
        case ObjectType.REPLY:
            return REPLY_BITS
        case ObjectType.PAGE:
            return PAGE_BITS
        case ObjectType.MEGA_PAGE:
            return MEGA_PAGE_BITS
        case ObjectType.GIGA_PAGE:
            return GIGA_PAGE_BITS
        case ObjectType.PAGE_TABLE:
            return PAGE_TABLE_BITS


def _least_size_bits(kind: ObjectType) -> u6:
    match kind:
        case ObjectType.CNODE:
            return 1
        case ObjectType.UNTYPED:
            return MIN_UNTYPED_BITS
        case ObjectType.SCHED_CONTEXT:
            return MIN_SCHED_CONTEXT_BITS
        case _:
            return 0


def _can_be_device(kind: ObjectType) -> bool:
    match kind:
        case ObjectType.UNTYPED | ObjectType.PAGE | ObjectType.MEGA_PAGE | ObjectType.GIGA_PAGE:
            return True
        case _:
            return False


# Making it ------------------------------------------------------------------------------------------------


def _reset(slot: Slot) -> None:
    """Clear what was used of a childless untyped, and lower its watermark to 0. Device memory is not touched."""
    cap = slot.cap
    assert isinstance(cap, UntypedCap)
    used: u64 = 0 if cap.is_device else cap.watermark
    if used == 0:
        slot.cap = replace(cap, watermark=0)
    while used > 0:
        start = (used - 1) // CHUNK * CHUNK
        zero_memory(window_of(cap.base + start), used - start)
        used = start
        slot.cap = replace(cap, watermark=used)
        scheduler.preemption_point()


def _create(cap: UntypedCap, used: u48, call: Invocation, request: Request) -> None:
    """Make the objects behind what is used, and capabilities to them as children of the untyped's slot."""
    slot, size = call.slot, 1 << request.object_bits
    offset: u48 = (used + size - 1) // size * size
    place: u64 = request.first
    left: u9 = request.count
    while True:
        made = make(request.kind, cap.base + offset, request.size_bits, cap.is_device)
        insert_new(made, slot, slot_at(request.node, place))
        offset += size
        place += 1
        left -= 1
        if left == 0 or scheduler.is_interrupted():
            break
    slot.cap = replace(cap, watermark=offset)
    if left > 0:
        _ask_for_the_rest(call, request.kind, left)
        raise Preempted()


@cold
def _ask_for_the_rest(call: Invocation, kind: ObjectType, left: u64) -> None:
    """Change the current thread's call so that it asks for the `left` objects that are not made yet."""
    made = argument(call, 5) - left
    current().registers[Register.A2] = made << MADE_SHIFT | int(kind)


def make(kind: ObjectType, base: u40, size_bits: u6, is_device: bool) -> Cap:
    """The first capability, with all rights, to a new object in zeroed memory at `base`."""
    at = window_of(base)
    match kind:
        case ObjectType.UNTYPED:
            return UntypedCap(size_bits, is_device, base, 0)
        case ObjectType.TCB:
            thread = Thread.at(at)
            thread.domain = kernel.current_domain
            debug.set_maker(thread)
            return ThreadCap(thread)
        case ObjectType.ENDPOINT:
            return EndpointCap(True, True, True, True, Endpoint.at(at), 0)
        case ObjectType.NOTIFICATION:
            return NotificationCap(True, True, Notification.at(at), 0)
        case ObjectType.REPLY:
            return ReplyCap(True, Reply.at(at))
        case ObjectType.CNODE:
            return CNodeCap(WORD_BITS - size_bits, size_bits, Slot.at(at), 0)
        case ObjectType.SCHED_CONTEXT:
            return SchedContextCap(size_bits, SchedContext.at(at))
        case ObjectType.PAGE:
            return FrameCap(FrameSize.PAGE, True, True, is_device, base, 0, 0)
        case ObjectType.MEGA_PAGE:
            return FrameCap(FrameSize.MEGA, True, True, is_device, base, 0, 0)
        case ObjectType.GIGA_PAGE:
            return FrameCap(FrameSize.GIGA, True, True, is_device, base, 0, 0)
        case ObjectType.PAGE_TABLE:
            return PageTableCap(False, False, PageTable.at(at), 0, 0)
