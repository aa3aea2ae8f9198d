"""A name of pith.metal that the module does not import."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    return MASK64
