"""A cast."""

from __future__ import annotations

from pith.metal import Struct


from typing import cast


class Node(Struct):
    next: Node | None


def f(node: Node) -> Node:
    return cast(Node, node.next)
