"""Names that a module does not have, called and read."""

from __future__ import annotations

from pith.metal import u64
from pith.runtime import debug


def f() -> None:
    debug.hlat()


def g() -> u64:
    return debug.EXPECTD
