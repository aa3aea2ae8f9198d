"""A field that was tested, and that a call may have changed since."""

from __future__ import annotations

from pith.metal import Packed, Struct, u8, u64


class Empty(Packed, bits=64, tag=0, tag_bits=1):
    size: u8


class Full(Packed, bits=64, tag=1, tag_bits=1):
    mark: u8


class Box(Struct):
    what: Empty | Full


def clear(box: Box) -> None:
    box.what = Empty(0)


def f(box: Box) -> u64:
    if isinstance(box.what, Full):
        clear(box)
        return box.what.mark
    return 0
