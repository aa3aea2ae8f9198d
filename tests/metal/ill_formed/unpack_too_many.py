"""A tuple unpacked into the wrong number of names."""

from __future__ import annotations

from pith.metal import u64


def pair() -> tuple[u64, u64]:
    return 1, 2


def f() -> u64:
    a, b, c = pair()
    return a
