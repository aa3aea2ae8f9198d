"""A loop over items that are written there."""

from __future__ import annotations

from typing import Final

from pith.metal import u64


def f() -> u64:
    total: u64 = 0
    for x in (1, 2, 3):
        total += x
    return total
