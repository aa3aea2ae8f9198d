"""`raise` outside a handler."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    raise
