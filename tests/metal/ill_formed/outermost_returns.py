"""A function that nothing calls, and that returns."""

from __future__ import annotations

from pith.metal import export, outermost, u64


@export("f")
@outermost
def f(x: u64) -> None:
    pass
