"""`==` between references."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f(a: Node, b: Node) -> bool:
    return a == b
