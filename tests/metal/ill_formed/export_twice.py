"""Two functions under one symbol: a linker could choose neither."""

from __future__ import annotations

from pith.metal import export, u64


@export("count")
def up(x: u64) -> u64:
    return x + 1 & 255


@export("count")
def down(x: u64) -> u64:
    return x - 1 & 255
