"""A function of Python's library."""

from __future__ import annotations

from pith.metal import u64


from textwrap import dedent


def f(name: str) -> u64:
    return len(dedent(name))
