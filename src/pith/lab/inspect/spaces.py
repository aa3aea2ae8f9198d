"""Address spaces: what each maps where, neighbouring pages of like rights merged into ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pith.kernel.objects import PageTable, PageTableCap, PageTableEntry, Thread, ThreadSlot
from pith.verify.address_spaces import Mapping, mappings, spaces
from pith.verify.census import Census
from pith.verify.naming import place

from .report import Report, Table, readable
from .threads import short_name

COLUMNS = ("from", "to", "size", "rights", "physical", "pages")
PAGE_NAMES = ("4K", "2M", "1G")


@dataclass
class Range:
    """Pages of one size that follow one another in the space and in physical memory, with the same rights."""

    start: int
    end: int
    physical: int
    rights: str
    level: int

    def takes(self, mapping: Mapping) -> bool:
        return (
            self.end == mapping.address
            and self.physical + self.end - self.start == mapping.physical
            and (self.rights, self.level) == (rights_of(mapping.entry), mapping.level)
        )


def report(census: Census) -> Report:
    """A table per address space."""
    users = users_of(census)
    tables = []
    for asid, root in spaces():
        rows = [_row(piece) for piece in merge(mappings(asid, root))]
        tables.append(Table(COLUMNS, rows, title_of(asid, root, users), "nothing is mapped"))
    return Report("Address spaces", list(tables), "no address space has an identifier")


def title_of(asid: int, root: PageTable, users: dict[int, list[str]]) -> str:
    who = ", ".join(users.get(root.address, [])) or "nobody"
    return f"space {asid}, root at {place(root.address)}, of {who}"


def users_of(census: Census) -> dict[int, list[str]]:
    """The threads that run in each space, by its root's address."""
    users: dict[int, list[str]] = {}
    for thread in census.all(Thread):
        cap = thread.slots[ThreadSlot.VSPACE].cap
        if isinstance(cap, PageTableCap):
            root: PageTable = cap.table
            users.setdefault(root.address, []).append(readable(short_name, thread))
    return users


def merge(found: Iterable[Mapping]) -> Iterator[Range]:
    """Pages as ranges, by rising address."""
    last: Range | None = None
    for mapping in found:
        if not mapping.is_page:
            continue
        if last is not None and last.takes(mapping):
            last.end += mapping.bytes
            continue
        if last is not None:
            yield last
        start, rights = mapping.address, rights_of(mapping.entry)
        last = Range(start, start + mapping.bytes, mapping.physical, rights, mapping.level)
    if last is not None:
        yield last


def rights_of(entry: PageTableEntry) -> str:
    """`rwx`, with a dash for each that is not."""
    return "".join(
        letter if has else "-"
        for letter, has in zip("rwx", (entry.read, entry.write, entry.execute), strict=True)
    )


def _row(piece: Range) -> tuple[str, ...]:
    bytes_ = piece.end - piece.start
    count = bytes_ >> 12 + 9 * piece.level
    size = f"{bytes_ >> 20} MiB" if bytes_ % (1 << 20) == 0 else f"{bytes_ >> 10} KiB"
    return (
        f"{piece.start:#x}",
        f"{piece.end:#x}",
        size,
        piece.rights,
        f"{piece.physical:#x}",
        f"{count} × {PAGE_NAMES[piece.level]}",
    )
