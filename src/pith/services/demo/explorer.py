"""A program that uses memory which it does not have yet.

It writes to three addresses far apart and reads them again. Nothing is mapped there when it starts; its faults go to the
pager (services/pager.py). Nothing in this file shows it: that is the point.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.metal import export, u64
from pith.metal.machine import load_u64, store_u64
from pith.runtime.console import use_server, write
from pith.runtime.process import WINDOW
from pith.runtime.voice import GREEN, begin

PLACES: Final = 3
APART: Final = 0x20_0000  # each place needs a page table of its own


class ExplorerSlot(IntEnum):
    """The explorer's capabilities."""

    CONSOLE = 2


@export("pith_main")
def main() -> None:
    use_server(ExplorerSlot.CONSOLE)
    for i in range(PLACES):
        place = WINDOW + i * APART
        begin("explorer", GREEN)
        write(f"I write {i + 1} at {place:#x}, where I have no memory.\n")
        store_u64(place, i + 1)
    total: u64 = 0
    for i in range(PLACES):
        total += load_u64(WINDOW + i * APART)
    begin("explorer", GREEN)
    write(f"I read all {PLACES} again; their sum is {total}. I noticed nothing.\n")
