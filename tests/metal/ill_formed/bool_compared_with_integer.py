"""A bool compared with a number."""

from __future__ import annotations


def f(flag: bool) -> bool:
    return flag == 1
