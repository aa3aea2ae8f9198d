"""A field that the struct does not have."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f(node: Node) -> u64:
    return node.valeu
