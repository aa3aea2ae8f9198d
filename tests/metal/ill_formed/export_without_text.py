"""An export whose symbol is no text."""

from __future__ import annotations

from pith.metal import export, u64


@export(3)
def f() -> u64:
    return 1
