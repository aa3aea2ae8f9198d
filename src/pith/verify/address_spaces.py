"""Address spaces: what their page tables hold, against what capabilities say.

`mappings` walks the user's half of every root that an ASID names; the predicates compare what it finds. The other
direction does not hold: a capability may remember a mapping that went with its root or its table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pith.abi.objects import ASID_POOL_INDEX_BITS, PAGE_BITS, USER_TOP
from pith.kernel import state
from pith.kernel.objects import FrameCap, PageTable, PageTableCap, PageTableEntry, Thread, ThreadSlot
from pith.kernel.riscv64.vspace import (
    ENTRIES,
    TOP_LEVEL,
    USER_ENTRIES,
    is_table,
    root_of,
    satp_of,
    span_bits,
    table_of,
)
from pith.kernel.riscv64.window import physical_of

from .census import Census, Violation, words
from .naming import name_of

VALID = PageTableEntry(valid=1).bits


class Mapping(NamedTuple):
    """One valid entry of an address space: a page, or the table of the next level."""

    asid: int
    address: int  # the first that it translates
    level: int
    entry: PageTableEntry

    @property
    def physical(self) -> int:
        return self.entry.frame << PAGE_BITS

    @property
    def is_page(self) -> bool:
        return not is_table(self.entry)

    @property
    def bytes(self) -> int:
        return 1 << span_bits(self.level)

    def __str__(self) -> str:
        return f"{self.address:#x} in space {self.asid}"


def spaces() -> Iterator[tuple[int, PageTable]]:
    """Every ASID in use, with its root."""
    for number, pool in enumerate(state.kernel.asid_pools):
        if pool is not None:
            for index, root in enumerate(words(pool.address, ENTRIES, 8)):
                if root:
                    yield number << ASID_POOL_INDEX_BITS | index, PageTable.at(root)


def mappings(asid: int, root: PageTable) -> Iterator[Mapping]:
    """The valid entries of the user's half, by rising address, tables before what they hold."""
    pending = [(root, 0, TOP_LEVEL)]
    while pending:
        table, start, level = pending.pop()
        count = USER_ENTRIES if level == TOP_LEVEL else ENTRIES
        below: list[tuple[PageTable, int, int]] = []
        for index, raw in enumerate(words(table.address, count, 8)):
            if raw & VALID:
                entry = PageTableEntry.from_bits(raw)
                mapping = Mapping(asid, start + (index << span_bits(level)), level, entry)
                yield mapping
                if is_table(entry) and level > 0:
                    below.append((table_of(entry), mapping.address, level - 1))
        pending += reversed(below)


def all_mappings(census: Census) -> list[Mapping]:
    """Of all spaces."""
    return [mapping for asid, root in spaces() for mapping in mappings(asid, root)]


def roots_belong_to_their_asid(census: Census) -> Iterator[Violation]:
    """The root that an ASID names has a capability that says so."""
    known = {
        (cap.asid, cap.table) for _, cap in census.slots_with(PageTableCap) if cap.is_root and cap.is_mapped
    }
    for asid, root in spaces():
        if (asid, root) not in known:
            yield Violation(f"root of space {asid}", name_of(root), "a table with a capability for that ASID")


def roots_share_the_kernels_half(census: Census) -> Iterator[Violation]:
    """The upper half of every root is that of the kernel's own."""
    own = state.kernel.kernel_root
    if own is not None:
        expected = words(own.address, ENTRIES, 8)[USER_ENTRIES:]
        for asid, root in spaces():
            if words(root.address, ENTRIES, 8)[USER_ENTRIES:] != expected:
                yield Violation(
                    f"root of space {asid}", "a different upper half", "that of the kernel's root"
                )


def pages_belong_to_frames(census: Census) -> Iterator[Violation]:
    """A page that is mapped is a frame whose capability remembers this mapping, with no more rights than it has."""
    frames = {
        (cap.asid, cap.mapped_address, cap.base, int(cap.size)): cap for _, cap in census.slots_with(FrameCap)
    }
    for mapping in census.once(all_mappings):
        if mapping.is_page:
            cap = frames.get((mapping.asid, mapping.address, mapping.physical, mapping.level))
            entry = mapping.entry
            if cap is None:
                found = f"{mapping.bytes:#x} bytes at {mapping.physical:#x}"
                yield Violation(f"page at {mapping}", found, "a frame with a capability that is mapped there")
            elif (entry.read and not cap.can_read) or (entry.write and not cap.can_write):
                found = f"read {entry.read}, write {entry.write}"
                expected = f"no more than its capability: read {cap.can_read:d}, write {cap.can_write:d}"
                yield Violation(f"page at {mapping}", found, expected)


def pages_are_the_users(census: Census) -> Iterator[Violation]:
    """A page below the kernel's half is the user's, ends below the last user address, and is aligned."""
    for mapping in census.once(all_mappings):
        if mapping.is_page:
            entry = mapping.entry
            if not entry.user or entry.is_global or mapping.address + mapping.bytes > USER_TOP:
                found = f"user {entry.user}, global {entry.is_global}, {mapping.bytes:#x} bytes"
                yield Violation(f"page at {mapping}", found, f"a user's page below {USER_TOP:#x}")
            if mapping.physical % mapping.bytes:
                found = f"{mapping.physical:#x}"
                yield Violation(f"page at {mapping}", found, f"a multiple of {mapping.bytes:#x}")


def tables_belong_to_capabilities(census: Census) -> Iterator[Violation]:
    """A table that is mapped has a capability that remembers where; none is mapped twice."""
    caps = {
        (cap.asid, cap.mapped_address, physical_of(cap.table.address))
        for _, cap in census.slots_with(PageTableCap)
        if cap.is_mapped and not cap.is_root
    }
    seen: dict[int, Mapping] = {}
    for mapping in census.once(all_mappings):
        if not mapping.is_page:
            if (mapping.asid, mapping.address, mapping.physical) not in caps:
                expected = "a table with a capability that is mapped there"
                yield Violation(f"table at {mapping}", f"{mapping.physical:#x}", expected)
            if mapping.physical in seen:
                found = f"{mapping.physical:#x}, mapped at {seen[mapping.physical]} too"
                yield Violation(f"table at {mapping}", found, "a table of its own")
            seen[mapping.physical] = mapping


def the_processor_uses_a_living_root(census: Census) -> Iterator[Violation]:
    """satp points to the kernel's root, or to one that its ASID names."""
    satp, own = state.kernel.current_root, state.kernel.kernel_root
    if satp and own is not None:
        asid, physical = satp >> 44 & 0xFFFF, (satp & (1 << 44) - 1) << PAGE_BITS
        roots = {(number, physical_of(root.address)) for number, root in spaces()}
        if (asid, physical) not in roots | {(0, physical_of(own.address))}:
            yield Violation("satp", f"ASID {asid}, root at {physical:#x}", "the kernel's root, or one in use")


def known_spaces_are_the_threads(census: Census) -> Iterator[Violation]:
    """What a thread remembers of this epoch is the address space of its VSpace root: the fast path asks no further."""
    for thread in census.all(Thread):
        if thread.space_epoch == state.kernel.space_epoch:
            cap = thread.slots[ThreadSlot.VSPACE].cap
            is_root = isinstance(cap, PageTableCap) and cap.is_mapped and root_of(cap.asid) is cap.table
            expected = satp_of(cap.table, cap.asid) if is_root and isinstance(cap, PageTableCap) else 0
            if not is_root or thread.satp != expected:
                found = f"satp {thread.satp:#x} of this epoch"
                yield Violation(name_of(thread), found, f"{expected:#x}, or of an earlier epoch")


RULES = (
    roots_belong_to_their_asid,
    roots_share_the_kernels_half,
    pages_belong_to_frames,
    pages_are_the_users,
    tables_belong_to_capabilities,
    the_processor_uses_a_living_root,
    known_spaces_are_the_threads,
)
