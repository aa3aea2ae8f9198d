"""A local that is a number and later a truth value."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    found = 0
    if x > 3:
        found = True
    return 1
