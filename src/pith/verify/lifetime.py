"""Objects and their memory: no capability outlives its object, no object its memory."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import state
from pith.kernel.objects import ASIDPool, Endpoint, Notification, Reply, SchedContext, Thread, UntypedCap

from .census import Census, Violation, designated
from .extent import Extent, extent_of, extents, own_extents
from .family import read_family
from .naming import name_of

REFERRED = (Thread, Endpoint, Notification, Reply, SchedContext, ASIDPool)


def whatever_is_referred_to_has_a_capability(census: Census) -> Iterator[Violation]:
    """An object that the kernel or another object refers to is designated by a capability (or a zombie).

    The last capability takes the object out of everything that refers to it. The idle thread is the kernel's own.
    """
    owned = {id(item) for cap in census.caps.values() if (item := designated(cap)) is not None}
    for kind in REFERRED:
        for item in census.all(kind):
            if id(item) not in owned and item is not state.kernel.idle:
                yield Violation(name_of(item), "references to it, and no capability", "a capability to it")


def objects_do_not_overlap(census: Census) -> Iterator[Violation]:
    """Two objects have no byte in common, unless they are one: the same kind at the same place."""
    taken = {extent for _, cap, extent in census.once(extents) if not isinstance(cap, UntypedCap)}
    reach: Extent | None = None  # of those before, the one that ends last
    for extent in sorted(taken.union(own_extents())):
        if reach is not None and reach.meets(extent):
            yield Violation(str(extent), f"{reach} over it", "memory of its own")
        if reach is None or extent.end > reach.end:
            reach = extent


def objects_lie_in_the_used_part_of_their_untyped(census: Census) -> Iterator[Violation]:
    """An object made of an untyped lies below that untyped's watermark."""
    family = census.once(read_family)
    for slot, _, extent in census.once(extents):
        for ancestor in family.ancestors(slot):
            cap = ancestor.cap
            if isinstance(cap, UntypedCap):
                used = Extent(cap.base, cap.base + cap.watermark, "used memory")
                if not used.covers(extent):
                    yield Violation(
                        f"{census.slot_name(slot)}: {extent}",
                        f"{used} in its untyped, {census.slot_name(ancestor)}",
                        "the object below the watermark",
                    )
                break


def untypeds_hold_their_descendants_only(census: Census) -> Iterator[Violation]:
    """What lies in an untyped's memory descends from it, so that revoking the untyped frees all of it."""
    family = census.once(read_family)
    lineage = {address: {a.address for a in family.ancestors(slot)} for address, slot in census.slots.items()}
    placed = sorted(census.once(extents), key=lambda item: (item[2].base, -item[2].end))
    around: list[tuple[int, Extent]] = []  # untypeds that may reach over what comes next
    for slot, cap, extent in placed:
        around = [item for item in around if item[1].end > extent.base]
        for untyped, memory in around:
            if untyped not in lineage[slot.address] and slot.address not in lineage[untyped]:
                yield Violation(
                    f"{census.slot_name(slot)}: {extent}",
                    f"in {memory} of {census.slot_name(census.slots[untyped])}, and no relation",
                    "a descendant of the untyped, or memory outside it",
                )
        if isinstance(cap, UntypedCap):
            around.append((slot.address, extent))


def the_kernel_keeps_its_own_memory(census: Census) -> Iterator[Violation]:
    """No untyped reaches over the kernel's statics, its idle thread or its own page table."""
    own = list(own_extents())
    for slot, cap in census.slots_with(UntypedCap):
        extent = extent_of(cap)
        for mine in own:
            if extent is not None and extent.meets(mine):
                yield Violation(
                    census.slot_name(slot), f"{extent} over {mine}", "memory that is not the kernel's"
                )


RULES = (
    whatever_is_referred_to_has_a_capability,
    objects_do_not_overlap,
    objects_lie_in_the_used_part_of_their_untyped,
    untypeds_hold_their_descendants_only,
    the_kernel_keeps_its_own_memory,
)
