"""Memory for metal code under test: bytes at a known address, with room behind them for every module's statics."""

from __future__ import annotations

from pith.metal import memory

ROOM_FOR_STATICS = 4 << 20


def attach(base: int, length: int, content: bytes = b"") -> None:
    """Make memory of `length` bytes at `base`, beginning with `content`; statics lie behind it."""
    whole = -(-max(length, len(content)) // 4096) * 4096
    buffer = bytearray(whole + ROOM_FOR_STATICS)
    buffer[: len(content)] = content
    memory.attach(buffer, base, static_base=base + whole)


def detach() -> None:
    """Let modules be imported again that have statics."""
    memory.buffer = None
