"""Capabilities as values: what one may become, and what it has to do with another.

Three questions are answered here, from capability values and their slots' links alone:

    derive, mask_rights, with_data   what a copy of a capability looks like, or that there can be none
    same_object, same_region         whether two name one object; whether one covers the other
    is_parent, has_children, is_final where a slot stands in the derivation tree

The tree is not stored as one. All slots with related capabilities stand in one doubly linked list, a preorder
walk of it: a slot's descendants follow it directly. Who is whose child follows from the capabilities: a
child is covered by its parent's region, and its parent is marked `revocable` (an original). Badges add one
level: a badged endpoint capability is the original of those with the same badge behind it, which begin a
family of their own where the link says `first_badged`.

Manual: "Capability Rights", "Capability Derivation Tree".
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import CapRights, CNodeData
from pith.abi.objects import (
    ASID_POOL_BITS,
    ENDPOINT_BITS,
    NOTIFICATION_BITS,
    PAGE_TABLE_BITS,
    REPLY_BITS,
    SLOT_BITS,
    TCB_BITS,
    WORD_BITS,
)
from pith.metal import MASK64, Value, inline, replace, u64

from .errors import IllegalOperation, RevokeFirst
from .objects import (
    ASIDPoolCap,
    Cap,
    CNodeCap,
    EndpointCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    ReplyCap,
    SchedContextCap,
    Slot,
    ThreadCap,
    UntypedCap,
    ZombieCap,
)
from .riscv64.vspace import span_bits
from .riscv64.window import physical_of

# A capability's type and its object's address: what the rights, sizes and badges leave over.
IDENTITY: Final = 0b11111 | ((1 << 40) - 1) << 24


# What a capability may become -----------------------------------------------------------------------------


@inline
def derive(slot: Slot, cap: Cap) -> Cap:
    """What a copy of `cap`, found in `slot`, looks like; NullCap when there can be none.

    Raises RevokeFirst for an untyped with children, IllegalOperation for a page table that is not mapped.
    """
    match cap:
        case UntypedCap():
            ensure_no_children(slot)
            return cap
        case FrameCap():
            return replace(cap, asid=0, mapped_address=0)
        case PageTableCap(is_mapped=False):
            raise IllegalOperation()
        case IRQControlCap() | ZombieCap():
            return NullCap()
        case _:
            return cap


def mask_rights(cap: Cap, rights: CapRights) -> Cap:
    """`cap` without the rights that `rights` lacks. A frame that may not be read may not be written either."""
    match cap:
        case EndpointCap():
            return replace(
                cap,
                can_send=cap.can_send and rights.can_write,
                can_receive=cap.can_receive and rights.can_read,
                can_grant=cap.can_grant and rights.can_grant,
                can_grant_reply=cap.can_grant_reply and rights.can_grant_reply,
            )
        case NotificationCap():
            return replace(
                cap,
                can_send=cap.can_send and rights.can_write,
                can_receive=cap.can_receive and rights.can_read,
            )
        case ReplyCap():
            return replace(cap, can_grant=cap.can_grant and rights.can_grant)
        case FrameCap():
            return mask_frame_rights(cap, rights)
        case _:
            return cap


@inline
def mask_frame_rights(cap: FrameCap, rights: CapRights) -> FrameCap:
    """Like `mask_rights`, of a frame."""
    can_read = cap.can_read and rights.can_read
    can_write = cap.can_write and rights.can_write and can_read
    return replace(cap, can_read=can_read, can_write=can_write)


def with_data(cap: Cap, data: u64, is_moved: bool) -> Cap:
    """`cap` with a new badge, or a new guard; NullCap where that is not allowed.

    Only a copy can be badged, and only once; other capabilities have no data.
    """
    match cap:
        case EndpointCap() | NotificationCap():
            return NullCap() if is_moved or cap.badge else replace(cap, badge=data)
        case CNodeCap():
            guard = CNodeData.from_bits(data)
            bits_below = WORD_BITS - cap.radix - guard.guard_size
            if bits_below < 0:
                return NullCap()
            low_bits = (1 << guard.guard_size) - 1
            return replace(cap, bits_below=bits_below, guard=guard.guard & low_bits)
        case _:
            return cap


def becomes_original(cap: Cap, source: Cap) -> bool:
    """Whether `cap`, made from `source`, can itself have children."""
    match cap:
        case UntypedCap():
            return True
        case EndpointCap() | NotificationCap():
            return badge_of(source) != cap.badge
        case IRQHandlerCap():
            return isinstance(source, IRQControlCap)
        case _:
            return False


def badge_of(cap: Cap) -> u64:
    """The badge of an endpoint or notification capability; 0 of others."""
    match cap:
        case EndpointCap(badge=badge) | NotificationCap(badge=badge):
            return badge
        case _:
            return 0


# What two capabilities have to do with each other ---------------------------------------------------------


class Region(Value):
    """Physical memory `start`..`start + size`."""

    start: u64
    size: u64

    def covers(self, other: Region) -> bool:
        """Whether `other` is memory, and all of it lies in this region."""
        return (
            other.size != 0
            and self.start <= other.start
            and other.start + other.size <= self.start + self.size
        )


@inline
def region_of(cap: Cap) -> Region:
    """The memory that the capability's object takes; an empty region if it takes none."""
    match cap:
        case UntypedCap(size_bits=size_bits, base=base):
            return Region(base, 1 << size_bits)
        case FrameCap(size=size, base=base):
            return Region(base, 1 << span_bits(size))
        case EndpointCap(endpoint=endpoint):
            return Region(physical_of(endpoint.address), 1 << ENDPOINT_BITS)
        case NotificationCap(notification=notification):
            return Region(physical_of(notification.address), 1 << NOTIFICATION_BITS)
        case ReplyCap(reply=reply):
            return Region(physical_of(reply.address), 1 << REPLY_BITS)
        case CNodeCap(radix=radix, cnode=slots) | ZombieCap(radix=radix, is_thread=False, slots=slots):
            return Region(physical_of(slots.address), 1 << (radix + SLOT_BITS))
        case ThreadCap(thread=thread):
            return Region(physical_of(thread.address), 1 << TCB_BITS)
        case ZombieCap(slots=slots):
            return Region(physical_of(slots.address & ~((1 << TCB_BITS) - 1) & MASK64), 1 << TCB_BITS)
        case SchedContextCap(size_bits=size_bits, context=context):
            return Region(physical_of(context.address), 1 << size_bits)
        case PageTableCap(table=table):
            return Region(physical_of(table.address), 1 << PAGE_TABLE_BITS)
        case ASIDPoolCap(pool=pool):
            return Region(physical_of(pool.address), 1 << ASID_POOL_BITS)
        case _:
            return Region(0, 0)


def same_region(cap: Cap, other: Cap) -> bool:
    """Whether `cap` covers what `other` stands for, so that `other` may be a descendant of `cap`."""
    match cap:
        case UntypedCap():
            return region_of(cap).covers(region_of(other))
        case FrameCap():
            return isinstance(other, FrameCap) and region_of(cap).covers(region_of(other))
        case IRQControlCap():
            return isinstance(other, (IRQControlCap, IRQHandlerCap))
        case IRQHandlerCap(irq=irq):
            return isinstance(other, IRQHandlerCap) and other.irq == irq
        case NullCap() | ZombieCap():
            return False
        case _:
            return cap.bits & IDENTITY == other.bits & IDENTITY


def same_object(cap: Cap, other: Cap) -> bool:
    """Whether both name the same object, so that neither is the last of it. Memory is no object by itself."""
    match cap:
        case UntypedCap():
            return False
        case FrameCap(size=size, base=base):
            return isinstance(other, FrameCap) and other.base == base and other.size is size
        case IRQControlCap():
            return isinstance(other, IRQControlCap)
        case _:
            return same_region(cap, other)


# Where a slot stands in the derivation tree ---------------------------------------------------------------


def is_parent(parent: Slot, child: Slot) -> bool:
    """Whether `child`, which follows `parent` with at most its other descendants between, descends from it."""
    if not parent.link.revocable or not same_region(parent.cap, child.cap):
        return False
    badge = badge_of(parent.cap)
    return badge == 0 or (badge == badge_of(child.cap) and not child.link.first_badged)


def has_children(slot: Slot) -> bool:
    """Whether any capability descends from this slot's."""
    following = slot.link.next
    return following is not None and is_parent(slot, following)


def ensure_no_children(slot: Slot) -> None:
    """Raise RevokeFirst if any capability descends from this slot's."""
    if has_children(slot):
        raise RevokeFirst()


def is_final(slot: Slot) -> bool:
    """Whether no other slot names this slot's object: such slots would stand beside it."""
    before, after = slot.previous, slot.link.next
    return not (before is not None and same_object(before.cap, slot.cap)) and not (
        after is not None and same_object(slot.cap, after.cap)
    )
