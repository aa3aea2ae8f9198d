"""A type, misspelled in a struct."""

from __future__ import annotations

from pith.metal import Struct, u16


class Node(Struct):
    value: uu16


def f(node: Node) -> None:
    pass
