"""`return` without a value."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    if x > 3:
        return
    return 1
