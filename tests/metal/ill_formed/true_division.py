"""`/` gives a float."""

from __future__ import annotations

from pith.metal import u64


def half(x: u64) -> u64:
    return x / 2
