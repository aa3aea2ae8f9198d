"""A list as a parameter."""

from __future__ import annotations

from pith.metal import u64


def f(x: list[u64]) -> u64:
    return 1
