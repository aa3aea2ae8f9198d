"""An array of one knows not what."""

from __future__ import annotations

from pith.metal import Array, u64


def f(items: Array) -> u64:
    return len(items)
