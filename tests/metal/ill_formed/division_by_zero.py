"""A division that can only fail."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    return x // 0
