"""An enum member, misspelled, in an expression and in a case."""

from __future__ import annotations

from enum import IntEnum

from pith.metal import u64


class Colour(IntEnum):
    RED = 0
    GREEN = 1


def f() -> Colour:
    return Colour.GREN


def g(colour: Colour) -> u64:
    match colour:
        case Colour.RDE:
            return 1
        case Colour.GREEN:
            return 2
    return 0


def h(colour: Colour) -> u64:
    return colour.valeu
