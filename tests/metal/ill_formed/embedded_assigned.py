"""An embedded struct cannot be replaced."""

from __future__ import annotations

from pith.metal import Inline, Struct, u64


class Pair(Struct):
    a: u64
    b: u64


class Box(Struct):
    pair: Inline[Pair]


def f(box: Box, pair: Pair) -> None:
    box.pair = pair
