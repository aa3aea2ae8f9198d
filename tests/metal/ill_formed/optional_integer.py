"""An integer that may be None."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64 | None) -> u64:
    return 1
