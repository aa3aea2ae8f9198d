"""A union of what is not packed."""

from __future__ import annotations

from pith.metal import Struct, u64


class A(Struct):
    x: u64


class B(Struct):
    x: u64


def f(a: A | B) -> u64:
    return 1
