"""A static made at run time."""

from __future__ import annotations

from pith.metal import Struct, static, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f() -> u64:
    node = static(Node)
    return node.value
