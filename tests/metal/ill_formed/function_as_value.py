"""A function in a variable."""

from __future__ import annotations

from pith.metal import u64


def one() -> u64:
    return 1


def f() -> u64:
    g = one
    return g()
