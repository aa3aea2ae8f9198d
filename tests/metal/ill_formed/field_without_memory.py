"""A field of a type that memory cannot hold."""

from __future__ import annotations

from pith.metal import Struct, u64


class Frame(Struct):
    name: str
    b: u64


def f(frame: Frame) -> u64:
    return frame.b
