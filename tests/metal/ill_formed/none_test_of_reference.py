"""A test for None of what is never None."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f(x: u64) -> bool:
    return x is None
