"""A table of tuples."""

from __future__ import annotations

from typing import Final

from pith.metal import u1, u64

PAIRS: Final = ((1, 2), (3, 4))


def f(i: u1) -> u64:
    return PAIRS[i][0]
