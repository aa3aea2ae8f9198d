"""A field of any failure."""

from __future__ import annotations

from pith.metal import Failure, u64


class Broken(Failure):
    place: u64


def f(x: u64) -> u64:
    try:
        raise Broken(1)
    except Failure as failure:
        return failure.place
