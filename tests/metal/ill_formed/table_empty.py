"""A table without items."""

from __future__ import annotations

from typing import Final

from pith.metal import u1, u64

NOTHING: Final = ()


def f(i: u1) -> u64:
    return NOTHING[i]
