"""A class method of the program's."""

from __future__ import annotations

from pith.metal import Struct, u64


class Box(Struct):
    x: u64

    @classmethod
    def find(cls) -> u64:
        return 1


def f() -> u64:
    return Box.find()
