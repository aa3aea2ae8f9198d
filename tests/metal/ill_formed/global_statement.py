"""`global`."""

from __future__ import annotations


count = 0


def f() -> None:
    global count
    count = 1
