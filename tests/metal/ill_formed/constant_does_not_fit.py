"""A constant outside the range of its type."""

from __future__ import annotations

from pith.metal import u64, u8


def f() -> u64:
    x: u8 = 300
    return x
