"""A comprehension."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    x = [i for i in range(3)]
    return 1
