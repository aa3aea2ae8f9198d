"""Two bit-fields at one place."""

from __future__ import annotations

from pith.metal import Packed, bits, u40, u64


class Entry(Packed, bits=64):
    valid: bool
    frame: u40 = bits(at=0)


def f(entry: Entry) -> u64:
    return entry.frame
