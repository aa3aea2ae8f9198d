"""A field, misspelled where it is assigned."""

from __future__ import annotations

from pith.metal import Struct, u8


class Node(Struct):
    value: u8


def f(node: Node) -> None:
    node.valeu = 1
