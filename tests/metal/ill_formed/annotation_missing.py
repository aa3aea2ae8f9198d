"""A parameter without a type."""

from __future__ import annotations

from pith.metal import u64


def double(x) -> u64:
    return x * 2
