"""Capability spaces: finding a slot by its address, and the derivation order of slots.

A CSpace is a guarded page table. Each CNode on the way consumes its guard, which must match, and its radix,
which is an index, from the top of the address; the way ends when the bits are used up or what it meets is
no CNode.

The slots' links form the derivation order (see capability.py). Everything that changes it stands here:
`insert` puts a slot behind its parent, `move` and `swap` exchange places, `remove` takes a slot out. None
of them knows what a capability's end means to its object: that is derivation.py.

Invariants: neighbours point to each other; an empty slot has no neighbours; a slot that holds a
capability is in exactly one list.

Manual: "Capability Address Lookup", "Lookup Failure Description".
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import LookupFailureKind
from pith.abi.objects import WORD_BITS
from pith.metal import MASK64, Array, Value, cold, inline, replace, u6, u7, u64

from .capability import becomes_original
from .errors import DeleteFirst, FailedLookup, LookupFailure, RangeError
from .objects import (
    Cap,
    CNodeCap,
    DerivationLink,
    NullCap,
    PageTableCap,
    Slot,
    Thread,
    ThreadSlot,
    UntypedCap,
)
from .riscv64.vspace import begin_epoch

UNLINKED: Final = DerivationLink(False, False, None)


# Finding slots --------------------------------------------------------------------------------------------


class Resolved(Value):
    """Where a capability address led, and how many of its bits were left when the way ended."""

    slot: Slot
    bits_left: u7


@cold
def resolve(root: Cap, address: u64, depth: u7) -> Resolved:
    """Follow the lowest `depth` bits (at least 1) of `address` from the CNode that `root` names."""
    if not isinstance(root, CNodeCap):
        raise LookupFailure(LookupFailureKind.INVALID_ROOT, 0, 0, 0)
    node = root
    bits_left: u7 = depth
    while True:
        consumed = WORD_BITS - node.bits_below
        if consumed > bits_left:
            _ensure_guard_matches(node, address, bits_left)
            raise LookupFailure(LookupFailureKind.DEPTH_MISMATCH, bits_left, consumed, 0)
        rest: u6 = bits_left - consumed  # an index has one bit at least
        index = _index(node, address >> rest) & MASK64 >> node.bits_below
        if index >> node.radix:
            raise LookupFailure(LookupFailureKind.GUARD_MISMATCH, bits_left, node.guard, node.guard_size)
        bits_left = rest
        slot = slot_at(node, index)
        following = slot.cap
        if bits_left == 0 or not isinstance(following, CNodeCap):
            return Resolved(slot, bits_left)
        node = following


def _ensure_guard_matches(node: CNodeCap, address: u64, bits_left: u7) -> None:
    """Raise LookupFailure unless the guard is the first of so many bits: what is wrong is told in this order."""
    guard = (address & ((1 << bits_left) - 1)) >> max(bits_left - node.guard_size, 0)
    if node.guard_size > bits_left or guard != node.guard:
        raise LookupFailure(LookupFailureKind.GUARD_MISMATCH, bits_left, node.guard, node.guard_size)


def slot_at(node: CNodeCap, index: u64) -> Slot:
    """Slot number `index` of a CNode."""
    return Array[Slot].at(node.cnode.address, 1 << node.radix)[index]


@inline
def lookup_flat(thread: Thread, address: u64) -> Cap:
    """The capability at `address` in a CSpace that is a single CNode, as most are; none if the CSpace is deeper."""
    slot = flat_slot(root_of(thread), address)
    return NullCap() if slot is None else slot.cap


@inline
def flat_slot(root: Cap, address: u64) -> Slot | None:
    """The slot that `root` leads to by all bits of `address` in one step; None if it does not."""
    if not isinstance(root, CNodeCap) or root.bits_below != 0:
        return None
    index = _index(root, address)
    return slot_at(root, index) if index >> root.radix == 0 else None


@inline
def _index(root: CNodeCap, address: u64) -> u64:
    """An index, if the guard matches the bits above it."""
    return address ^ (root.guard << root.radix & MASK64)


def root_of(thread: Thread) -> Cap:
    """The capability to the CNode where the thread's CSpace begins."""
    return thread.slots[ThreadSlot.CSPACE].cap


def lookup_slot(thread: Thread, address: u64) -> Slot:
    """The slot at `address` in the thread's CSpace, which may be empty. Raises LookupFailure."""
    return lookup_below(root_of(thread), address)


@inline
def lookup_below(root: Cap, address: u64) -> Slot:
    """The slot at `address` in the CSpace that begins at `root`, which may be empty. Raises LookupFailure."""
    slot = flat_slot(root, address)
    return slot if slot is not None else resolve(root, address, WORD_BITS).slot


def lookup_cap(thread: Thread, address: u64) -> Cap:
    """The capability at `address` in the thread's CSpace. Raises LookupFailure."""
    return lookup_slot(thread, address).cap


@inline
def lookup_in(root: Cap, address: u64, depth: u64, is_source: bool) -> Slot:
    """The slot at exactly `depth` bits of `address` from `root`, for an operation on slots.

    Raises RangeError for a depth outside 1..64, FailedLookup for all else.
    """
    slot = flat_slot(root, address) if depth == WORD_BITS else None
    return slot if slot is not None else _lookup_deep(root, address, depth, is_source)


@cold
def _lookup_deep(root: Cap, address: u64, depth: u64, is_source: bool) -> Slot:
    if not isinstance(root, CNodeCap):
        raise FailedLookup(is_source, LookupFailureKind.INVALID_ROOT, 0, 0, 0)
    if not 1 <= depth <= WORD_BITS:
        raise RangeError(1, WORD_BITS)
    try:
        found = resolve(root, address, depth)
    except LookupFailure as failure:
        raise FailedLookup(is_source, failure.kind, failure.word0, failure.word1, failure.word2) from None
    if found.bits_left:
        raise FailedLookup(is_source, LookupFailureKind.DEPTH_MISMATCH, found.bits_left, 0, 0)
    return found.slot


def lookup_empty(root: Cap, address: u64, depth: u64) -> Slot:
    """Like `lookup_in`, for a destination: raises DeleteFirst if the slot holds a capability."""
    slot = lookup_in(root, address, depth, is_source=False)
    ensure_empty(slot)
    return slot


def ensure_empty(slot: Slot) -> None:
    """Raise DeleteFirst if the slot holds a capability."""
    if not isinstance(slot.cap, NullCap):
        raise DeleteFirst()


# The derivation order -------------------------------------------------------------------------------------


def insert(cap: Cap, source: Slot, destination: Slot) -> None:
    """Put `cap`, derived from the one at `source`, into the empty `destination`."""
    is_original = becomes_original(cap, source.cap)
    exhaust(source, cap)
    _link_behind(source, destination, cap, is_original)


def insert_new(cap: Cap, parent: Slot, destination: Slot) -> None:
    """Put `cap`, the first to a new object inside what `parent` stands for, into the empty `destination`."""
    _link_behind(parent, destination, cap, is_original=True)


def _link_behind(parent: Slot, slot: Slot, cap: Cap, is_original: bool) -> None:
    following = parent.link.next
    slot.cap = cap
    slot.previous = parent
    slot.link = DerivationLink(is_original, is_original, following)
    parent.link = replace(parent.link, next=slot)
    if following is not None:
        following.previous = slot


def exhaust(source: Slot, cap: Cap) -> None:
    """If `cap` is an untyped over all of the one at `source`, the latter has nothing left to give."""
    whole = source.cap
    if (
        isinstance(whole, UntypedCap)
        and isinstance(cap, UntypedCap)
        and whole.base == cap.base
        and whole.size_bits == cap.size_bits
    ):
        source.cap = replace(whole, watermark=1 << whole.size_bits)


def move(cap: Cap, source: Slot, destination: Slot) -> None:
    """Put `cap` into the empty `destination`, in the place of what is at `source`, which becomes empty."""
    destination.previous = source.previous
    destination.link = source.link
    destination.cap = cap
    _attach(destination)
    _clear(source)


def swap(first: Slot, first_cap: Cap, second: Slot, second_cap: Cap) -> None:
    """Exchange the places of two slots: then `second` holds `first_cap`, and `first` holds `second_cap`."""
    if second.link.next is first:
        first, first_cap, second, second_cap = second, second_cap, first, first_cap
    before, link = first.previous, first.link
    first.previous, first.link = second.previous, second.link
    second.previous, second.link = before, link
    if link.next is second:  # direct neighbours: the exchange made each its own
        first.previous = second
        second.link = replace(link, next=first)
    first.cap, second.cap = second_cap, first_cap
    _attach(first)
    _attach(second)


def remove(slot: Slot) -> None:
    """Empty the slot. A family of badges that began here begins with the next of it."""
    if isinstance(slot.cap, PageTableCap):  # perhaps a thread's
        begin_epoch()
    before, following = slot.previous, slot.link.next
    if before is not None:
        before.link = replace(before.link, next=following)
    if following is not None:
        following.previous = before
        is_first = following.link.first_badged or slot.link.first_badged
        following.link = replace(following.link, first_badged=is_first)
    _clear(slot)


def _attach(slot: Slot) -> None:
    """Let the slot's neighbours know where it is."""
    if slot.previous is not None:
        slot.previous.link = replace(slot.previous.link, next=slot)
    if slot.link.next is not None:
        slot.link.next.previous = slot


def _clear(slot: Slot) -> None:
    slot.cap = NullCap()
    slot.previous = None
    slot.link = UNLINKED
