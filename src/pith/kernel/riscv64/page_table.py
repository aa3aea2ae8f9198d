"""Page tables: mapped below a root, one level at a time, or roots themselves.

A table cannot be shared: it is mapped at most at one place, at the highest level that has no table there
yet. The root of an address space is a table that an ASID pool gave an identifier (see asid.py).

Manual: "RISC-V 64-bit"; interface `seL4_RISCV_PageTable`.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.abi.objects import USER_TOP
from pith.metal import replace, u2, u7
from pith.metal.machine import fence_address_space, zero_memory

from ..capability import is_final
from ..errors import (
    DeleteFirst,
    IllegalOperation,
    InvalidArgument,
    InvalidCapability,
    RevokeFirst,
)
from ..message import Invocation, argument, extra_slot, require
from ..objects import PageTable, PageTableCap
from .vspace import (
    ENTRIES,
    INVALID,
    TOP_LEVEL,
    index_of,
    is_table,
    release,
    root_argument,
    root_of,
    space_argument,
    span_bits,
    table_entry,
    table_of,
    walk,
)


def invoke(cap: PageTableCap, call: Invocation) -> u7:
    """Map or Unmap."""
    match call.label:
        case Label.PAGE_TABLE_MAP:
            _map(cap, call)
        case Label.PAGE_TABLE_UNMAP:
            _unmap(cap, call)
        case _:
            raise IllegalOperation()
    return 0


def _map(cap: PageTableCap, call: Invocation) -> None:
    """Map(space, address, attributes)."""
    require(call, words=2, caps=1)
    space_slot = extra_slot(call, 0)
    if cap.is_mapped:
        raise InvalidCapability(0)
    space = space_argument(space_slot.cap)
    address = argument(call, 0)
    if address >= USER_TOP:
        raise InvalidArgument(0)
    place = walk(root_argument(space), address)
    if place.level == 0 or place.table.entries[place.index].valid:
        raise DeleteFirst()
    start = address >> span_bits(place.level) << span_bits(place.level)
    place.table.entries[place.index] = table_entry(cap.table)
    call.slot.cap = replace(cap, is_mapped=True, asid=space.asid, mapped_address=start)
    fence_address_space(space.asid)


def _unmap(cap: PageTableCap, call: Invocation) -> None:
    if not is_final(call.slot):
        raise RevokeFirst()
    if cap.is_mapped:
        if root_of(cap.asid) is cap.table:
            raise RevokeFirst()
        _take_out(cap)
        zero_memory(cap.table.address, 8 * ENTRIES)
    call.slot.cap = PageTableCap(False, False, cap.table, 0, 0)


def finalise(cap: PageTableCap) -> None:
    """The last capability to the table ends: no address space may use it any more."""
    if root_of(cap.asid) is cap.table:
        release(cap.asid, cap.table)
    elif cap.is_mapped:
        _take_out(cap)


def _take_out(cap: PageTableCap) -> None:
    """Take the table out of the address space that it is mapped in, if that still stands."""
    table = root_of(cap.asid)
    level: u2 = TOP_LEVEL
    while table is not None and level > 0:
        index = index_of(cap.mapped_address, level)
        entry = table.entries[index]
        below: PageTable | None = table_of(entry) if is_table(entry) else None
        if below is cap.table:
            table.entries[index] = INVALID
            fence_address_space(cap.asid)
            return
        table = below
        level -= 1
