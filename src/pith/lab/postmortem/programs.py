"""Which program runs in an address space: told by its code, for a release kernel knows no names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pith.machine import elf

from .backtrace import RA, Unwinder
from .memory import Memory

LOOKED_AT = 256  # bytes that must be the same


class Programs:
    """The ELF files that a machine's programs may have been loaded from."""

    def __init__(self, elves: Sequence[Path]) -> None:
        self.elves = [elf.read(path) for path in elves]
        self.unwinders: dict[Path, Unwinder] = {}

    def running(self, memory: Memory, root: int, pc: int, general: tuple[int, ...]) -> Unwinder | None:
        """The program whose code is mapped around `pc`, or, if nothing is there, around where it would return to."""
        for address in (pc, general[RA]):
            start = address & ~(LOOKED_AT - 1)
            seen = memory.read_program(root, start, LOOKED_AT)
            for candidate in self.elves:
                if seen and seen == bytes_at(candidate, start, len(seen)):
                    return self.unwinders.setdefault(candidate.path, Unwinder(candidate.path))
        return None


def bytes_at(file: elf.Elf, address: int, length: int) -> bytes | None:
    """What a program has at an address when it begins; zeros in the rest of a segment's last page; None elsewhere."""
    for part in file.segments:
        offset = address - part.virtual
        if -length < offset < len(part.data):
            found = part.data[max(offset, 0) : offset + length]
            return (bytes(max(-offset, 0)) + found).ljust(length, b"\0")
    return None
