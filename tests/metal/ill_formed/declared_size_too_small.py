"""Fields that take more than the declared size."""

from __future__ import annotations

from pith.metal import Struct, u64


class Frame(Struct, size=8):
    a: u64
    b: u64


def f(frame: Frame) -> u64:
    return frame.b
