"""The derivation order: slots in doubly linked lists, each a preorder walk of a tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pith.kernel.capability import badge_of, same_object
from pith.kernel.objects import Slot, UntypedCap
from pith.kernel.riscv64.window import physical_of

from .census import Census, Violation
from .extent import Extent, extent_of
from .family import orders


def neighbours_point_at_each_other(census: Census) -> Iterator[Violation]:
    """A slot's next has it as previous, and its previous has it as next."""
    for address in census.caps:
        slot = census.slots[address]
        following, before = slot.link.next, slot.previous
        if following is not None and following.previous is not slot:
            yield Violation(
                f"{census.slot_name(following)}.previous",
                _name(census, following.previous),
                f"{census.slot_name(slot)}, whose next it is",
            )
        if before is not None and before.link.next is not slot:
            yield Violation(
                f"{census.slot_name(before)}.next",
                _name(census, before.link.next),
                f"{census.slot_name(slot)}, whose previous it is",
            )


def _name(census: Census, slot: Slot | None) -> str:
    return "nothing" if slot is None else census.slot_name(slot)


def every_order_has_a_beginning(census: Census) -> Iterator[Violation]:
    """From the slots without a previous one, the links lead to every slot that holds a capability."""
    met = {slot.address for order in census.once(orders) for slot in order}
    for address in census.caps:
        if address not in met:
            yield Violation(
                census.slot_name(census.slots[address]),
                "a slot in a circle, or behind a broken link",
                "an order that begins somewhere",
            )


def empty_slots_are_unlinked(census: Census) -> Iterator[Violation]:
    """A slot without a capability has no neighbours, no flags, and nothing else in it."""
    for slot in census.strays:
        found = f"bits {slot.cap.bits:#x}, previous {slot.previous}, {slot.link}"
        yield Violation(f"empty {census.slot_name(slot)}", found, "nothing but zeros")


def slots_stand_in_containers(census: Census) -> Iterator[Violation]:
    """Every slot in the derivation order is one of a CNode, of a thread, or of the interrupt table.

    A container that ends inside another becomes a zombie in its own first slot. It is met in the order of the
    untyped that it was made of; what boot made is of none, and is not met: such slots may stand on their own.
    """
    untypeds = [cap for cap in census.caps.values() if isinstance(cap, UntypedCap)]
    for slot in census.slots.values():
        if slot.address not in census.homes and any(_covers(untyped, slot) for untyped in untypeds):
            yield Violation(census.slot_name(slot), "a slot on its own", "a slot of a living container")


def _covers(untyped: UntypedCap, slot: Slot) -> bool:
    return 0 <= physical_of(slot.address) - untyped.base < 1 << untyped.size_bits


def capabilities_to_one_object_stand_together(census: Census) -> Iterator[Violation]:
    """The capabilities to one object follow one another, so that its last one knows that it is (`is_final`)."""
    first: dict[Extent, Slot] = {}
    for order in census.once(orders):
        caps = [census.caps[slot.address] for slot in order]
        for before, cap, slot in zip([None, *caps], caps, order, strict=False):
            extent = None if isinstance(cap, UntypedCap) else extent_of(cap)
            if extent is None or (before is not None and same_object(before, cap)):
                continue
            if extent in first:
                yield Violation(
                    census.slot_name(slot),
                    f"a capability to {extent} far from {census.slot_name(first[extent])}",
                    "all capabilities to one object in one run of the order",
                )
            first.setdefault(extent, slot)


def the_original_stands_first(census: Census) -> Iterator[Violation]:
    """Of the unbadged capabilities to one object at most the first is an original: revocable.

    Otherwise a revocation at the original would miss those before it.
    """
    for order in census.once(orders):
        for before, slot in pairwise(order):
            if slot.link.revocable and not badge_of(slot.cap) and same_object(before.cap, slot.cap):
                yield Violation(
                    census.slot_name(slot),
                    f"an original behind {census.slot_name(before)}, which designates the same object",
                    "originals before copies",
                )


def badge_families_begin_marked(census: Census) -> Iterator[Violation]:
    """A badged capability that is not marked `first_badged` stands right behind one of the same badge.

    Cancelling badged sends and revoking one badge rely on it: a family ends where the next mark is.
    """
    for address, cap in census.caps.items():
        slot = census.slots[address]
        if badge_of(cap) and not slot.link.first_badged:
            before = slot.previous
            if before is None or not same_object(before.cap, cap) or badge_of(before.cap) != badge_of(cap):
                yield Violation(
                    census.slot_name(slot),
                    f"badge {badge_of(cap):#x}, not marked as first, behind {_name(census, before)}",
                    "a capability to the same object with the same badge before it, or the mark",
                )


RULES = (
    neighbours_point_at_each_other,
    every_order_has_a_beginning,
    empty_slots_are_unlinked,
    slots_stand_in_containers,
    capabilities_to_one_object_stand_together,
    the_original_stands_first,
    badge_families_begin_marked,
)
