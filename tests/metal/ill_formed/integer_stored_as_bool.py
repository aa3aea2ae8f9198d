"""An integer stored as a bool."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> bool:
    return x & 1
