"""An argument to a function and a method that take none."""

from __future__ import annotations

from pith.metal import Struct, u8, u64


class Node(Struct):
    value: u8

    def clear(self) -> None:
        self.value = 0


def nothing() -> u64:
    return 0


def f(node: Node) -> u64:
    node.clear(1, 2)
    return nothing(1)
