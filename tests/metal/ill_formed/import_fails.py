"""A module that does not import."""

from __future__ import annotations

from pith.metal import u64


LIMIT = SIZE + 1


def f() -> u64:
    return LIMIT
