"""`global` is refused once, and not again where the name is used."""

from __future__ import annotations

count = 0


def f() -> None:
    global count
    count += 1
