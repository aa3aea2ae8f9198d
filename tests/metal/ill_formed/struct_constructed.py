"""A struct made by calling its class."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f() -> Node:
    return Node()
