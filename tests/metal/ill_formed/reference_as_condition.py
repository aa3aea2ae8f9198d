"""A reference as a condition."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f(node: Node | None) -> u64:
    if node:
        return node.value
    return 0
