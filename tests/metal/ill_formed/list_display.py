"""A list."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    x = [1, 2, 3]
    return 1
