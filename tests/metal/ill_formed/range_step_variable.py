"""A range with a variable step."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    for i in range(0, 10, x):
        pass
    return 0
