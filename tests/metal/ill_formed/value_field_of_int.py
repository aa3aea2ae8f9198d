"""`int` as a field of a value class."""

from __future__ import annotations

from pith.metal import Value, u64


class Found(Value):
    place: int


def f(found: Found) -> u64:
    return 1
