"""A tuple indexed by a variable."""

from __future__ import annotations

from pith.metal import u1, u64


def f(pair: tuple[u64, u64], i: u1) -> u64:
    return pair[i]
