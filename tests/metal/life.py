"""An arena for tests of the CPython life, and the world as it was when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pith.metal import memory

BASE = 0x8000_0000
SIZE = 1 << 14

_STATE = [n for n in vars(memory) if n.startswith("view_")] + ["base", "size", "buffer"]


@contextmanager
def arena(size: int = SIZE) -> Iterator[bytearray]:
    """A zeroed arena at BASE, without anybody else's statics."""
    saved, statics = {n: getattr(memory, n) for n in _STATE}, list(memory.statics)
    memory.statics.clear()
    memory.buffer = None
    buffer = bytearray(size)
    memory.attach(buffer, BASE)
    try:
        yield buffer
    finally:
        vars(memory).update(saved)
        memory.statics[:] = statics
        for table in memory.interned:
            table.clear()
        for instance in statics:
            if memory.buffer is not None:
                type(instance)._instances[instance.address] = instance
