"""An annotation that exists for mypy only."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pith.metal import u64


def f(x: u64) -> u64:
    return x
