"""A keyword that the function does not have."""

from __future__ import annotations

from pith.metal import u64


def add(a: u64, b: u64) -> u64:
    return (a + b) & 255


def f() -> u64:
    return add(1, c=2)
