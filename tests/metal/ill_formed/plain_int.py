"""`int` as a parameter's type."""

from __future__ import annotations

from pith.metal import u64


def double(x: int) -> u64:
    return x * 2
