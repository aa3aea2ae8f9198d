"""`&` where `and` is meant."""

from __future__ import annotations


def f(a: bool, b: bool) -> bool:
    return a & b
