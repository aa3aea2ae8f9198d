"""A pattern for a dict."""

from __future__ import annotations

from pith.metal import u64


def f(x: u64) -> u64:
    match x:
        case {"a": 1}:
            return 1
        case _:
            return 2
