"""An exception of Python's own caught."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    try:
        return 1
    except IndexError:
        return 0
