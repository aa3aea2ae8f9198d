"""An f-string that nobody sinks."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> str:
    return f"number {x}"
