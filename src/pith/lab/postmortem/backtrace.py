"""From a program counter and the registers to who called whom.

Frames are walked by the call frame information in `.debug_frame` (DWARF 5, section 6.4), which says for every instruction where the
caller's registers are; nothing is guessed from what happens to lie on the stack. Where the information ends before the
program's first function, the walk says that it is incomplete.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from elftools.dwarf.callframe import FDE, RegisterRule
from elftools.elf.elffile import ELFFile

from pith.lab.bench.symbols import Line, Symbols

RA, SP = 1, 2
MOST_FRAMES: Final = 1_000_000
FIRST: Final = "_start"
BEGINNERS: Final = (FIRST, "pith_run")  # what runs before `pith_main`, see runtime/start.py and start.c
PANIC_STOP: Final = "pith.runtime.panic.stop"
LEAVES: Final = (
    "memset",
    "memcpy",
    "memmove",
    PANIC_STOP,
)  # in assembly: they touch neither stack nor return address
MASK64: Final = (1 << 64) - 1

Read = Callable[[int], int | None]  # the word at an address; None where nothing is mapped


class Frame(NamedTuple):
    """A call that has not returned; functions that the compiler put into others have frames of their own."""

    function: str
    line: Line | None

    def __str__(self) -> str:
        return f"`{self.function}`" + (f" at {shown(self.line)}" if self.line else "")


class Backtrace(NamedTuple):
    """Innermost first, `pith_main` last if it is complete."""

    frames: list[Frame]
    is_complete: bool


class Unwinder:
    """Of one program."""

    def __init__(self, path: Path) -> None:
        self.symbols = Symbols(path)
        self.places: dict[int, list[Frame]] = {}  # a recursion comes by the same place again and again

    @cached_property
    def entries(self) -> list[tuple[int, int, Any]]:
        """Start, end and call frame information of each function that has any."""
        with open(self.symbols.path, "rb") as stream:
            dwarf = ELFFile(stream).get_dwarf_info() if ELFFile(stream).has_dwarf_info() else None
            if dwarf is None or not dwarf.has_CFI():
                return []
            found = [entry for entry in dwarf.CFI_entries() if isinstance(entry, FDE)]
            return sorted(
                (
                    (e["initial_location"], e["initial_location"] + e["address_range"], e.get_decoded().table)
                    for e in found
                ),
                key=lambda entry: entry[0],
            )

    def place(self, pc: int) -> list[Frame]:
        """The functions at an address, innermost first: those inlined, then the one that they are in."""
        if pc not in self.places:
            names, line = reversed(self.symbols.frames(pc)), self.symbols.line(pc)
            self.places[pc] = [Frame(own_name(n, line), None if at else line) for at, n in enumerate(names)]
        return self.places[pc]

    def walk(self, pc: int, general: tuple[int, ...], read: Read) -> Backtrace:
        """From the registers at `pc`, x0 to x31, to the program's first function."""
        frames: list[Frame] = []
        registers, at = dict(enumerate(general)), pc
        for depth in range(MOST_FRAMES):
            if self.symbols.function(at) in BEGINNERS:
                return Backtrace(frames, True)
            caller = self._step(at, registers, read)
            if not self.is_code(at):
                if depth:  # only the innermost can have jumped to where there is no code
                    break
                at = registers[RA] - 1 & MASK64
                continue
            frames += self.place(at)
            if caller is None:
                break
            at = caller - 1 & MASK64  # the call, not what follows it
        return Backtrace(frames, False)

    def is_code(self, address: int) -> bool:
        """Whether the program has code there, and sections to say so."""
        return any(start <= address < start + len(code) for start, code in self.symbols.instructions)

    def _step(self, at: int, registers: dict[int, int], read: Read) -> int | None:
        """Make the registers the caller's; the address that the function at `at` returns to, None if that is not told."""
        if self.symbols.function(at) in LEAVES:
            return registers[RA]
        row = self._row(at)
        if row is None or row["cfa"].expr is not None:
            return None
        cfa = registers[row["cfa"].reg] + row["cfa"].offset & MASK64
        for number, rule in row.items():
            if isinstance(number, int):
                if rule.type == RegisterRule.SAME_VALUE:
                    continue
                saved = read(cfa + rule.arg & MASK64) if rule.type == RegisterRule.OFFSET else None
                if saved is None:
                    return None
                registers[number] = saved
        registers[SP] = cfa
        return registers[RA]

    def _row(self, at: int) -> dict[Any, Any] | None:
        position = bisect_right(self.entries, at, key=lambda entry: entry[0]) - 1
        if position < 0 or at >= self.entries[position][1]:
            return None
        rows = [row for row in self.entries[position][2] if row["pc"] <= at]
        return rows[-1] if rows else None


def own_name(name: str, line: Line | None) -> str:
    """A metal function's name without its module's, where that is the name of the file beside it."""
    stem = Path(line.file).stem if line else ""
    before, found, rest = name.partition(f"{stem}.")
    is_module = found and stem and (not before or before.endswith("."))
    return rest if is_module and not before.startswith("pith.kernel") else name


def shown(line: Line) -> str:
    """The file as one would type it from here."""
    file = Path(line.file)
    if file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    return f"{file}:{line.number}"
