"""A handler behind one that catches all."""

from __future__ import annotations

from pith.metal import Failure, u64


class Broken(Failure):
    place: u64


def f(x: u64) -> u64:
    try:
        raise Broken(1)
    except Failure:
        return 0
    except Broken:
        return 1
