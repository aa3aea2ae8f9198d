"""A reference stored in an integer field."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def f(node: Node) -> None:
    node.value = node
