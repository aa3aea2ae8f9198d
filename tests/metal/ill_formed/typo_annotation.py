"""A type, misspelled in a head, in a body, and not imported."""

from __future__ import annotations

from pith.metal import Struct, u32


class Node(Struct):
    value: u32


def f(x: Nodde) -> None:
    pass


def g() -> None:
    x: boool = 1


def h() -> u64:
    return 0
