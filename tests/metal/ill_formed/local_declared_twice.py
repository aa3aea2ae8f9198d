"""One local with two types."""

from __future__ import annotations

from pith.metal import u16, u64, u8


def f(x: u64) -> u64:
    y: u8 = 1
    if x > 3:
        y: u16 = 2
    return y
