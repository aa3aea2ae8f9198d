"""What stands at an address of the kernel's: a static, an object's field, a slot of a CNode, a user's page.

Statics come from the ELF's symbols. Pith's objects are found as `pith inspect` finds them, by a census of a dump of the
machine's memory; of another kernel's objects only their addresses are known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from elftools.elf.elffile import ELFFile

from pith.abi.objects import PAGE_BITS, PAGE_TABLE_INDEX_BITS, SCHED_CONTEXT_CORE_BYTES
from pith.kernel.objects import FrameCap, SchedContext, Slot
from pith.kernel.riscv64.entry import STACK_BYTES
from pith.kernel.riscv64.window import IMAGE_OFFSET, WINDOW_BASE
from pith.lab.inspect.dump import STATICS, attach_dump
from pith.metal import OUTERMOST_FRAME, Struct, size_of
from pith.verify.census import Census, take_census
from pith.verify.naming import name_of, place

PREFIX: Final = "pith.kernel."
STACK: Final = "pith_stack"  # with the outermost frame above it


class Owner(NamedTuple):
    """Something from physical address `start` to `end`; `parts` are its fields: offset and name, in order."""

    start: int
    end: int
    name: str
    parts: tuple[tuple[int, str], ...] = ()

    def part(self, address: int) -> str:
        """The name of the field at an address; empty if it has none."""
        at = bisect_right([offset for offset, _ in self.parts], address - self.start) - 1
        return self.parts[at][1] if at >= 0 else ""


class Owners:
    """All that is known; nothing overlaps."""

    def __init__(self, owners: Iterable[Owner]) -> None:
        self.owners = sorted(owners)
        self.starts = [owner.start for owner in self.owners]

    def at(self, address: int) -> Owner | None:
        """What stands at a physical address."""
        found = bisect_right(self.starts, address) - 1
        return self.owners[found] if found >= 0 and address < self.owners[found].end else None


def physical(address: int) -> int:
    """The physical address behind one of the kernel's: in its image, or in its window of all memory."""
    return address - (IMAGE_OFFSET if address >= IMAGE_OFFSET else WINDOW_BASE)


def of_image(kernel: Path) -> Iterator[Owner]:
    """The statics of a kernel: every object symbol, and Pith's stack, which has a symbol at its end only."""
    with kernel.open("rb") as stream:
        table: Any = ELFFile(stream).get_section_by_name(".symtab")
        symbols = list(table.iter_symbols()) if table else []
    for symbol in symbols:
        start, size = physical(symbol["st_value"]), symbol["st_size"]
        if symbol["st_info"]["type"] == "STT_OBJECT" and size and not symbol.name.startswith("."):
            fields = _fields(STATICS.get(symbol.name))
            yield Owner(start, start + size, symbol.name.removeprefix(PREFIX), fields)
        elif symbol.name == STACK:
            yield Owner(start - STACK_BYTES, start + OUTERMOST_FRAME, "stack")


def of_objects(dump: Path, kernel: Path) -> Iterator[Owner]:
    """The objects of Pith's kernel in a dump of its memory. The dump stays attached."""
    attach_dump(dump, kernel)
    yield from owners_in(take_census())


def owners_in(census: Census) -> Iterator[Owner]:
    """Every object, CNode and page of a census."""
    slots = {cnode.address for cnode in census.cnodes.values()}
    for kind, found in census.objects.items():
        for address, item in found.items():
            if address < IMAGE_OFFSET and address not in slots:
                start = physical(address)
                yield Owner(start, start + _extent(kind), name_of(item), _fields(item))
    for cnode in census.cnodes.values():
        start = physical(cnode.address)
        parts = tuple((index * size_of(Slot), f"slot {index}") for index in range(1 << cnode.radix))
        yield Owner(start, start + cnode.bytes, f"CNode at {place(cnode.address)}", parts)
    frames = {cap.base: cap for cap in census.caps.values() if isinstance(cap, FrameCap)}
    for base, cap in frames.items():
        size = 1 << PAGE_BITS + PAGE_TABLE_INDEX_BITS * cap.size
        yield Owner(base, base + size, f"user's page at {base:#x}")


def _extent(kind: type[Struct]) -> int:
    return SCHED_CONTEXT_CORE_BYTES if kind is SchedContext else size_of(kind)


def _fields(item: Struct | None) -> tuple[tuple[int, str], ...]:
    if item is None:
        return ()
    fields = sorted((field.offset, name) for name, field in type(item).layout().fields.items())
    return (*fields, (size_of(type(item)), "refills")) if isinstance(item, SchedContext) else tuple(fields)
