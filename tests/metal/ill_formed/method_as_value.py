"""A method without its call."""

from __future__ import annotations

from pith.metal import Struct, u64


class Box(Struct):
    x: u64

    def get(self) -> u64:
        return self.x


def f(box: Box) -> u64:
    return box.get
