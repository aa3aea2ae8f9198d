"""Text outside ASCII."""

from __future__ import annotations

from pith.metal import u64


def g(name: str) -> u64:
    return len(name)


def f() -> u64:
    return g("5 µs")
