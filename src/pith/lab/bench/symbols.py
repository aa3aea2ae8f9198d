"""From an address in an ELF file to the function, the functions inlined there, and the source line.

Functions come from the symbol table, and everything else from DWARF, if the file has any: without it there are no lines,
and what the compiler inlined counts for the function that it was inlined into.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

UNKNOWN: Final = "?"
Entry = TypeVar("Entry")


class Line(NamedTuple):
    """A place in the source."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


class Inlined(NamedTuple):
    """A function's body at addresses low..high-1 inside another; `depth` counts the functions around it."""

    low: int
    high: int
    depth: int
    name: str


class Symbols:
    """One ELF file's. What DWARF says is read when it is first asked for: that takes as long as all the rest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as stream:
            file = ELFFile(stream)
            self.names = dict(self._named(file))
            self.functions = sorted(self._functions(file))
            self.instructions = _instructions(file)
        self.starts = [start for start, _ in self.functions]

    @cached_property
    def lines(self) -> list[tuple[int, Line | None]]:
        return sorted(self._from_dwarf(_lines), key=_by_address)

    @cached_property
    def line_starts(self) -> list[int]:
        return [start for start, _ in self.lines]

    @cached_property
    def inlined(self) -> list[Inlined]:
        return self._from_dwarf(_inlined)

    def _from_dwarf(self, read: Callable[[Any], Iterator[Entry]]) -> list[Entry]:
        with open(self.path, "rb") as stream:
            file = ELFFile(stream)
            return list(read(file.get_dwarf_info())) if file.has_dwarf_info() else []

    @staticmethod
    def _named(file: Any) -> Iterator[tuple[str, int]]:
        table = file.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table else ():
            yield symbol.name, symbol["st_value"]

    @staticmethod
    def _functions(file: Any) -> Iterator[tuple[int, str]]:
        """Everything in code that has a name, but for the local labels of assembly."""
        table = file.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table else ():
            index = symbol["st_shndx"]
            if not isinstance(index, int) or not symbol.name or symbol.name[0] in ".$":
                continue
            if file.get_section(index)["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                yield symbol["st_value"], symbol.name

    def address_of(self, name: str) -> int:
        return int(self.names[name])

    def function(self, address: int) -> str:
        at = bisect_right(self.starts, address) - 1
        return self.functions[at][1] if at >= 0 else UNKNOWN

    def frames(self, address: int) -> list[str]:
        """The function at an address, then each that was inlined there, outermost first."""
        inner = sorted((i.depth, i.name) for i in self.inlined if i.low <= address < i.high)
        return [self.function(address), *(name for _, name in inner)]

    def line(self, address: int) -> Line | None:
        at = bisect_right(self.line_starts, address) - 1
        return self.lines[at][1] if at >= 0 else None

    def instruction(self, address: int) -> int:
        """The four bytes at an address; 0 where the file has no code."""
        for start, code in self.instructions:
            if start <= address < start + len(code):
                return int.from_bytes(code[address - start : address - start + 4], "little")
        return 0


def _instructions(file: Any) -> list[tuple[int, bytes]]:
    sections = (s for s in file.iter_sections() if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)
    return [(s["sh_addr"], s.data()) for s in sections]


def _lines(dwarf: Any) -> Iterator[tuple[int, Line | None]]:
    """From which address on which line holds; None from the end of a sequence on."""
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = _files(program, unit)
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            known = not state.end_sequence and state.line
            yield state.address, Line(files.get(state.file, UNKNOWN), state.line) if known else None


def _by_address(entry: tuple[int, Line | None]) -> tuple[int, bool]:
    """Where one sequence ends and another begins, the one that begins holds."""
    return entry[0], entry[1] is not None


def _files(program: Any, unit: Any) -> dict[int, str]:
    """A line program's files by number: they count from 0 since DWARF 5, and from 1 before."""
    header = program.header
    first = 0 if header["version"] >= 5 else 1
    directories = [_text(d) for d in header["include_directory"]]
    if first:  # directory 0 is then the unit's own
        own = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        directories.insert(0, _text(own.value) if own else "")
    return {
        number: str(Path(directories[entry.dir_index], _text(entry.name)))
        for number, entry in enumerate(header["file_entry"], first)
    }


def _inlined(dwarf: Any) -> Iterator[Inlined]:
    for unit in dwarf.iter_CUs():
        yield from _inlined_below(dwarf, unit.get_top_DIE(), 0)


def _inlined_below(dwarf: Any, parent: Any, depth: int) -> Iterator[Inlined]:
    for child in parent.iter_children():
        is_inlined = child.tag == "DW_TAG_inlined_subroutine"
        if is_inlined:
            name = _name(child)
            for low, high in _ranges(dwarf, child):
                yield Inlined(low, high, depth, name)
        if child.has_children:
            yield from _inlined_below(dwarf, child, depth + is_inlined)


def _name(entry: Any) -> str:
    """The linker's name, which says the module too, or else the function's own."""
    while "DW_AT_abstract_origin" in entry.attributes:
        entry = entry.get_DIE_from_attribute("DW_AT_abstract_origin")
    for attribute in ("DW_AT_linkage_name", "DW_AT_name"):
        if attribute in entry.attributes:
            return _text(entry.attributes[attribute].value)
    return UNKNOWN


def _ranges(dwarf: Any, entry: Any) -> Iterator[tuple[int, int]]:
    """The addresses of a piece of code: one range, or a list of them relative to a base."""
    attributes = entry.attributes
    if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        yield low, high.value if high.form == "DW_FORM_addr" else low + high.value
    elif "DW_AT_ranges" in attributes:
        top = entry.cu.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        listed = dwarf.range_lists().get_range_list_at_offset(attributes["DW_AT_ranges"].value, entry.cu)
        for part in listed:
            if isinstance(part, BaseAddressEntry):
                base = part.base_address
            else:
                offset = 0 if part.is_absolute else base
                yield part.begin_offset + offset, part.end_offset + offset


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
