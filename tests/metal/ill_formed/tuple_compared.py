"""`==` between tuples."""

from __future__ import annotations

from pith.metal import u64


def f(a: u64, b: u64) -> bool:
    return (a, b) == (1, 2)
