"""replace() of memory."""

from __future__ import annotations

from pith.metal import Struct, replace, u64


class Box(Struct):
    x: u64


def f(box: Box) -> u64:
    return replace(box, x=3).x
