"""`==` between value objects."""

from __future__ import annotations

from pith.metal import Value, u64


class Found(Value):
    place: u64
    count: u64


def f(a: Found, b: Found) -> bool:
    return a == b
