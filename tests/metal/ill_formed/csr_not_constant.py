"""The name of a register as a variable."""

from __future__ import annotations

from pith.metal import u64
from pith.metal.machine import csr_read


def f(name: str) -> u64:
    return csr_read(name)
