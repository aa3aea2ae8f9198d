"""A local that is set on one way only."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    if x > 3:
        y = 1
    return y
