"""Frames: pages of physical memory, mapped into address spaces.

A frame capability is mapped at most at one place, which it remembers; to share a frame, copy the
capability. Mapping again at the same place changes the rights. What happens to the mapping when the
capability ends is `unmap`, too.

Manual: "Page", "Mapping Attributes"; interface `seL4_RISCV_Page`.
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.abi.objects import PAGE_BITS, USER_TOP
from pith.metal import replace, u7, u64
from pith.metal.machine import fence_translation

from ..capability import mask_frame_rights
from ..errors import (
    AlignmentError,
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    InvalidArgument,
    InvalidCapability,
)
from ..message import Invocation, argument, extra_slot, put_result, require
from ..objects import FrameCap, PageTableEntry
from .vspace import INVALID, Place, is_table, root_argument, root_of, space_argument, span_bits, walk

EXECUTE_NEVER: Final = 1  # the one mapping attribute


def invoke(cap: FrameCap, call: Invocation) -> u7:
    """Map, Unmap or GetAddress."""
    match call.label:
        case Label.PAGE_MAP:
            _map(cap, call)
        case Label.PAGE_UNMAP:
            unmap(cap)
            call.slot.cap = replace(cap, asid=0, mapped_address=0)
        case Label.PAGE_GET_ADDRESS:
            put_result(0, cap.base)
            return 1
        case _:
            raise IllegalOperation()
    return 0


def _map(cap: FrameCap, call: Invocation) -> None:
    """Map(space, address, rights, attributes)."""
    require(call, words=3, caps=1)
    space = space_argument(extra_slot(call, 0).cap)
    address = argument(call, 0)
    root = root_argument(space)
    if address > USER_TOP - (1 << span_bits(cap.size)):
        raise InvalidArgument(0)
    if address & ((1 << span_bits(cap.size)) - 1):
        raise AlignmentError()
    place = walk(root, address)
    if place.level != cap.size:
        kind = LookupFailureKind.MISSING_CAPABILITY
        raise FailedLookup(False, kind, span_bits(place.level), 0, 0)
    _check_free(cap, space.asid, address, place)
    rights = CapRights.from_bits(argument(call, 1))
    may_execute = not argument(call, 2) & EXECUTE_NEVER
    mapped = replace(cap, asid=space.asid, mapped_address=address)
    place.table.entries[place.index] = page_entry(mask_frame_rights(cap, rights), may_execute)
    call.slot.cap = mapped
    fence_translation(address, space.asid)


def _check_free(cap: FrameCap, asid: u64, address: u64, place: Place) -> None:
    """A mapped frame may be mapped again where it is, another one only where nothing is."""
    if cap.asid:
        if cap.asid != asid:
            raise InvalidCapability(1)
        if cap.mapped_address != address:
            raise InvalidArgument(0)
    elif place.table.entries[place.index].valid:
        raise DeleteFirst()


def page_entry(cap: FrameCap, may_execute: bool) -> PageTableEntry:
    """A leaf that maps the frame with the capability's rights, invalid if there are none."""
    if not (cap.can_read or may_execute):
        return INVALID
    return PageTableEntry(
        valid=1,
        read=int(cap.can_read),
        write=int(cap.can_write),
        execute=int(may_execute),
        user=1,
        accessed=1,
        dirty=1,
        frame=cap.base >> PAGE_BITS,
    )


def unmap(cap: FrameCap) -> None:
    """Undo the capability's mapping, if it has one that still stands."""
    root = root_of(cap.asid)
    if root is None:
        return
    place = walk(root, cap.mapped_address)
    entry = place.table.entries[place.index]
    is_page = bool(entry.valid) and not is_table(entry)
    if place.level == cap.size and is_page and entry.frame == cap.base >> PAGE_BITS:
        place.table.entries[place.index] = INVALID
        fence_translation(cap.mapped_address, cap.asid)
