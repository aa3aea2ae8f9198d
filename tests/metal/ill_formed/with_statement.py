"""`with`."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    with x:
        return 1
