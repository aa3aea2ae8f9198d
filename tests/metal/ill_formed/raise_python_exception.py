"""An exception of Python's own."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    raise ValueError("no")
