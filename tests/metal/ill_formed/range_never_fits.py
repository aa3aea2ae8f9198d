"""An expression whose whole range is outside."""

from __future__ import annotations

from pith.metal import u8


def f(x: u8) -> u8:
    return x + 256
