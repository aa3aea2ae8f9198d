"""Saying who speaks: a name in a colour at the start of a line, the text in a column of its own."""

from __future__ import annotations

from typing import Final

from .console import column, write

RED: Final = "\x1b[31m"
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
BLUE: Final = "\x1b[34m"
MAGENTA: Final = "\x1b[35m"
CYAN: Final = "\x1b[36m"
BOLD: Final = "\x1b[1m"
DIM: Final = "\x1b[2m"
PLAIN: Final = "\x1b[0m"

TEXT_COLUMN: Final = 12


def begin(name: str, colour: str) -> None:
    """Begin a line that `name` says."""
    write("  ")
    write(colour)
    write(name)
    write(PLAIN)
    column(TEXT_COLUMN)


def heading(text: str) -> None:
    """A line of its own, after an empty one."""
    write("\n")
    write(BOLD)
    write(text)
    write(PLAIN)
    write("\n")
