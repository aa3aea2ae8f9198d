"""The derivation tree: which capability was made from which, so what a revocation would take."""

from __future__ import annotations

from itertools import groupby

from pith.kernel.objects import Slot
from pith.verify.census import Census
from pith.verify.family import Family, read_family
from pith.verify.naming import words_of

from .capabilities import LONG_RUN, likeness, summary
from .report import Report, Tree, readable


def report(census: Census) -> Report:
    """A tree per capability that was made from no other: the initial ones."""
    return Report("Derivation", list(forest(census)))


def forest(census: Census) -> list[Tree]:
    """The derivation trees, runs of like childless capabilities merged into one line each."""
    family = read_family(census)
    return _siblings(census, family, family.founders)


def _siblings(census: Census, family: Family, slots: list[Slot]) -> list[Tree]:
    trees: list[Tree] = []

    def key(slot: Slot) -> tuple[object, ...] | int:
        like = likeness(census.caps[slot.address]) if slot.address not in family.children else None
        return like if like is not None else slot.address

    for _, group in groupby(slots, key):
        run = list(group)
        if len(run) > LONG_RUN:
            trees.append(Tree(summary([census.caps[slot.address] for slot in run])))
        else:
            trees += [_tree(census, family, slot) for slot in run]
    return trees


def _tree(census: Census, family: Family, slot: Slot) -> Tree:
    words = readable(words_of, census.caps[slot.address])
    children = _siblings(census, family, family.children.get(slot.address, []))
    return Tree(f"{words}  ← {census.slot_name(slot)}", children)
