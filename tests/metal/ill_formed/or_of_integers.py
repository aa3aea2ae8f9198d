"""`or` as a default."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64, y: u64) -> u64:
    return x or y
