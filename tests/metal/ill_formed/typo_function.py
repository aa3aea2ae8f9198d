"""A function's name, misspelled where it is called."""

from __future__ import annotations

from pith.metal import u64


def write(x: u64) -> None:
    pass


def f() -> None:
    wirte(1)
