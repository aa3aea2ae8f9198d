"""Address translation: Sv39 page tables, walked as the privileged specification says (4.3.2, 4.4).

The hosted machine has no tables of its own. It reads the kernel's, in the machine's memory, whenever user code touches a page
that the emulated processor has not seen since the last fence.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .board import MEMORY_BASE

VALID, READ, WRITE, EXECUTE, USER = 1, 2, 4, 8, 16
LEVELS: Final = (30, 21, 12)  # what an entry of each level maps, as a power of two
SV39: Final = 8  # the mode field of satp
ROOT_MASK: Final = (1 << 44) - 1


class Translation(NamedTuple):
    """The physical address of the page, and the bits of the entry that maps it."""

    physical: int
    flags: int


def root_of(satp: int) -> int:
    """The physical address of the root table that `satp` names."""
    return (satp & ROOT_MASK) << 12


def translate(words: memoryview, root: int, address: int) -> Translation | None:
    """Where the tables under `root` put the page of `address`; None if nowhere.

    `words` is the machine's memory as 64-bit words.
    """
    if address >> 38 not in (0, 0x3FF_FFFF):  # bits 63-39 must equal bit 38
        return None
    table = root
    for shift in LEVELS:
        index = (table - MEMORY_BASE >> 3) + (address >> shift & 511)
        if not 0 <= index < len(words):
            return None
        entry = words[index]
        if not entry & VALID or entry & (READ | WRITE) == WRITE:
            return None
        table = (entry >> 10 & ROOT_MASK) << 12
        if entry & (READ | WRITE | EXECUTE):
            below = (1 << shift) - 1
            return None if table & below else Translation(table | address & below & ~0xFFF, entry & 0xFF)
    return None
