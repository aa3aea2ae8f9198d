"""A slice of an array."""

from __future__ import annotations

from pith.metal import Array, u64


def f(words: Array[u64]) -> u64:
    return len(words[1:3])
