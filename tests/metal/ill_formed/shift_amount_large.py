"""A left shift by any amount."""

from __future__ import annotations

from pith.metal import u64


def f(n: u64) -> u64:
    return 1 << n
