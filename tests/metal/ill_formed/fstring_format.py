"""A format that is not known."""

from __future__ import annotations

from pith.metal import text_sink, u64, u8


def put_number(value: u64, base: u8, width: u8, prefix: bool) -> None:
    pass


@text_sink(number=put_number)
def put(text: str) -> None:
    pass


def f(x: u64) -> None:
    put(f"number {x:>8}")
