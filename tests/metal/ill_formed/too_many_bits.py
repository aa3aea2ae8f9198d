"""An intermediate result of more than 256 bits."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    return (x * x * x * x * x) % 1000
