"""A name, misspelled at module level."""

from __future__ import annotations

from pith.metal import export


@exprot("f")
def f() -> None:
    pass
