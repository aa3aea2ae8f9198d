"""A tag that its bits cannot hold."""

from __future__ import annotations

from pith.metal import Packed


class Entry(Packed, bits=64, tag=9, tag_bits=3):
    valid: bool


def f(entry: Entry) -> bool:
    return entry.valid
