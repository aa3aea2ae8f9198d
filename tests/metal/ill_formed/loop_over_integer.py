"""A loop over a number."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    for i in x:
        pass
    return 0
