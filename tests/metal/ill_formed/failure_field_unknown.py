"""A field that the failure does not have."""

from __future__ import annotations

from pith.metal import Failure, u64


class Broken(Failure):
    place: u64


def f(x: u64) -> u64:
    try:
        raise Broken(1)
    except Broken as failure:
        return failure.plaice
