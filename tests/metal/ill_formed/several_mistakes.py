"""Three mistakes in one function, each told."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64, flag: bool) -> u64:
    a = x + flag
    b = x / 2
    if a > b:
        return y
    return 1
