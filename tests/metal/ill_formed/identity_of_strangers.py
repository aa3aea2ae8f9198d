"""`is` between references to different structs."""

from __future__ import annotations

from pith.metal import Struct, u64


class A(Struct):
    x: u64


class B(Struct):
    x: u64


def f(a: A, b: B) -> bool:
    return a is b
