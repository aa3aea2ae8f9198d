"""`**`."""

from __future__ import annotations

from pith.metal import u64


def square(x: u64) -> u64:
    return x**2 & 255
