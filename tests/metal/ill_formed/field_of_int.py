"""`int` as a field's type."""

from __future__ import annotations

from pith.metal import Struct, u64


class Frame(Struct):
    a: u64
    b: int


def f(frame: Frame) -> u64:
    return frame.a
