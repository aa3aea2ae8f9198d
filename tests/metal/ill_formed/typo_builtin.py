"""A builtin, misspelled, and a method of integers."""

from __future__ import annotations

from pith.metal import Array, u64


def f(items: Array[u64]) -> u64:
    for i in rnage(3):
        pass
    return lne(items)


def g(x: u64) -> u64:
    return x.bit_lenght()
