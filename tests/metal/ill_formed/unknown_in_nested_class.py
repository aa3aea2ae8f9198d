"""A fault in a struct that another one refers to."""

from __future__ import annotations

from pith.metal import Struct, u64


class Leaf(Struct):
    weight: float


class Tree(Struct):
    leaf: Leaf | None
    size: u64


def f(tree: Tree) -> u64:
    return tree.size
