"""A failure that leaves an exported function."""

from __future__ import annotations

from pith.metal import Failure, export, u64


class Broken(Failure):
    place: u64


def check(x: u64) -> None:
    if x > 3:
        raise Broken(x)


@export("start")
def start(x: u64) -> None:
    check(x)
