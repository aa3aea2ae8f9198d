"""A function declared never to return that does."""

from __future__ import annotations

from pith.metal import u64


from typing import NoReturn


def f(x: u64) -> NoReturn:
    x += 1
