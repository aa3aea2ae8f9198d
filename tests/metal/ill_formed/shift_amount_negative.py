"""A shift by what may be negative."""

from __future__ import annotations

from pith.metal import i8, u64


def f(x: u64, n: i8) -> u64:
    return x >> n
