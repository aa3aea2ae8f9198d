"""A struct that inherits fields."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


class Special(Node):
    weight: u64


def f(node: Special) -> u64:
    return node.weight
