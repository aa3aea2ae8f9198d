"""`else` of a loop."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    for i in range(4):
        if i == x:
            break
    else:
        return 1
    return 0
