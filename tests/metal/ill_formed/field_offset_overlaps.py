"""An offset inside the field before."""

from __future__ import annotations

from pith.metal import Struct, field, u64


class Frame(Struct):
    a: u64
    b: u64 = field(offset=4)


def f(frame: Frame) -> u64:
    return frame.b
