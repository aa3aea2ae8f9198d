"""The derivation tree, read out of the derivation order.

The kernel stores no tree: a slot's descendants follow it in the order, and whether one capability is
another's child is told by the two and their links (`capability.is_parent`). Reading from the front with a stack of
ancestors gives each slot its parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pith.kernel.capability import is_parent
from pith.kernel.objects import Slot

from .census import Census


@dataclass
class Family:
    """Who descends from whom, by slot address."""

    parents: dict[int, Slot] = field(default_factory=dict)  # slots with none are not in it
    children: dict[int, list[Slot]] = field(default_factory=dict)
    founders: list[Slot] = field(default_factory=list)  # without parents, in the order

    def ancestors(self, slot: Slot) -> Iterator[Slot]:
        """The slot's parent, its parent's parent, and so on."""
        while (parent := self.parents.get(slot.address)) is not None:
            yield parent
            slot = parent


def orders(census: Census) -> list[list[Slot]]:
    """Each derivation order from its beginning; a circle has none, and is left out."""
    beginnings = (census.slots[address] for address in census.caps)
    return [list(_from(census, slot)) for slot in beginnings if slot.previous is None]


def _from(census: Census, slot: Slot | None) -> Iterator[Slot]:
    seen: set[int] = set()
    while slot is not None and slot.address in census.caps and slot.address not in seen:
        seen.add(slot.address)
        yield slot
        slot = slot.link.next


def read_family(census: Census) -> Family:
    """The derivation trees of all that the census found."""
    family = Family()
    for order in census.once(orders):
        line: list[Slot] = []  # from the founder to the slot before
        for slot in order:
            while line and not is_parent(line[-1], slot):
                line.pop()
            if line:
                family.parents[slot.address] = line[-1]
                family.children.setdefault(line[-1].address, []).append(slot)
            else:
                family.founders.append(slot)
            line.append(slot)
    return family
