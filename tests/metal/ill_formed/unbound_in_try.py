"""A local that a `try` may not have reached."""

from __future__ import annotations

from pith.metal import Failure, u64


class Broken(Failure):
    pass


def risky(x: u64) -> u64:
    if x > 3:
        raise Broken
    return x


def f(x: u64) -> u64:
    try:
        y = risky(x)
    except Broken:
        pass
    return y
