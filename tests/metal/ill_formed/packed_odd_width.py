"""A packed class of an odd number of bits."""

from __future__ import annotations

from pith.metal import Packed


class Entry(Packed, bits=48):
    valid: bool


def f(entry: Entry) -> bool:
    return entry.valid
