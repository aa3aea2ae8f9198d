"""A case that was there before."""

from __future__ import annotations

from enum import IntEnum

from pith.metal import u64


class Color(IntEnum):
    RED = 0
    GREEN = 1
    BLUE = 2


def f(color: Color) -> u64:
    match color:
        case Color.RED:
            return 1
        case Color.RED:
            return 2
        case _:
            return 3
