"""The result of a function that gives none."""

from __future__ import annotations

from pith.metal import u64


def nothing() -> None:
    pass


def f() -> u64:
    x = nothing()
    return 1
