"""An import in a function."""

from __future__ import annotations

from pith.metal import u64


def f() -> u64:
    import math

    return 1
