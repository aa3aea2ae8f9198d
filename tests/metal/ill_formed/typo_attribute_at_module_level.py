"""An attribute, misspelled at module level."""

from __future__ import annotations

from pith import metal


@metal.exprot("f")
def f() -> None:
    pass
