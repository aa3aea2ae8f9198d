"""A coroutine."""

from __future__ import annotations

from pith.metal import u64


async def f(x: u64) -> u64:
    return x
