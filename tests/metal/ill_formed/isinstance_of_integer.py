"""isinstance of what is no union."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> bool:
    return isinstance(x, int)
