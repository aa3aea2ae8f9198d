"""A local that is set only if the loop runs."""

from __future__ import annotations

from pith.metal import u64, u8


def f(n: u8) -> u64:
    for i in range(n):
        last = i
    return last
