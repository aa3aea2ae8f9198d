"""print."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> None:
    print(x)
