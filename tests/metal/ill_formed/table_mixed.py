"""A table of two kinds of items."""

from __future__ import annotations

from typing import Final

from pith.metal import u1, u64

MIXED: Final = (4, "sixteen")


def f(i: u1) -> u64:
    return MIXED[i]
