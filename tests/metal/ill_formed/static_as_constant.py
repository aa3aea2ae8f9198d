"""A module object that no static made."""

from __future__ import annotations

from pith.metal import Struct, u64


class Box(Struct):
    x: u64


box = object.__new__(Box)


def f() -> u64:
    return box.x
