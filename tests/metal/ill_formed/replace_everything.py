"""replace() of every field."""

from __future__ import annotations

from pith.metal import Value, replace, u64


class Found(Value):
    place: u64


def f(found: Found) -> u64:
    return replace(found, place=3).place
