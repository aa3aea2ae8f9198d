"""A counter without a type."""

from __future__ import annotations

from pith.metal import u64


def total(n: u64) -> u64:
    count = 0
    while count < n:
        count += 1
    return 0
