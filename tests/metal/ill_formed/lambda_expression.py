"""A lambda."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    g = lambda: 1
    return 1
