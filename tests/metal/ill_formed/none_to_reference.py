"""None where a reference must be."""

from __future__ import annotations

from pith.metal import Struct, u32, u64


class Node(Struct):
    value: u32
    next: Node | None


def value(node: Node) -> u64:
    return node.value


def f() -> u64:
    return value(None)
