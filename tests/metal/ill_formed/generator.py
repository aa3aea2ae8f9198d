"""A generator."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    yield 1
