"""A float as a parameter."""

from __future__ import annotations

from pith.metal import u64


def half(x: float) -> u64:
    return 1
