"""A constant's name in a pattern takes any value."""

from __future__ import annotations

from pith.metal import u64


LIMIT = 7


def f(x: u64) -> u64:
    match x:
        case LIMIT:
            return 1
