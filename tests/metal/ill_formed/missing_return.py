"""A way to the end without a result."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    if x > 3:
        return 1
