"""A dict as a constant."""

from __future__ import annotations

from pith.metal import u64


TABLE = {1: 2}


def f(x: u64) -> u64:
    return TABLE[x]
