"""An index into a table that may be negative."""

from __future__ import annotations

from typing import Final

from pith.metal import i8, u64

SIZES: Final = (4, 16, 64)


def f(i: i8) -> u64:
    return SIZES[i]
