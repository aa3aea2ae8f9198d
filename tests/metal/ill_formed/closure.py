"""A function inside a function."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    def g() -> u64:
        return 1

    return g()
