"""`in` a tuple of calls."""

from __future__ import annotations

from pith.metal import u64


def one() -> u64:
    return 1


def f(x: u64) -> bool:
    return x in (one(), 2)
