"""A failure as a value."""

from __future__ import annotations

from pith.metal import Failure, u64


class Broken(Failure):
    place: u64


def f(x: u64) -> u64:
    y = Broken(x)
    return 1
