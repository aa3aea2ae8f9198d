"""A bool stored as an integer."""

from __future__ import annotations

from pith.metal import u64


def f(a: bool) -> u64:
    return a
