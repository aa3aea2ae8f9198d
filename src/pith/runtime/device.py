"""Device registers, as frames to map.

The board's addresses that are not memory come to the initial thread as device untypeds. Objects are cut off
an untyped from its start, so a page further in needs what lies before it cut off first: in untypeds, as large
as fit, each aligned to its own size as the kernel has it. So ask for pages of one region in ascending order.
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import MAX_BOOTINFO_UNTYPEDS, BootInfo, RootSlot, UntypedDescription
from pith.abi.objects import MAX_UNTYPED_BITS, PAGE_BITS, ObjectType
from pith.metal import Array, Failure, Struct, array, static, u6, u64

from . import untyped
from .bootinfo import count, size_bits
from .capability import CPtr
from .pool import Pool


class DeviceMissing(Failure):
    """No device untyped has this physical address, or it lies before one that was already cut off."""

    physical_address: u64


class Cuts(Struct):
    """How many bytes of each untyped in bootinfo have been cut off."""

    done: Array[u64] = array(MAX_BOOTINFO_UNTYPEDS)


cuts: Final = static(Cuts)


def device_page(pool: Pool, info: BootInfo, physical_address: u64) -> CPtr:
    """The frame of the page of device registers at `physical_address`; slots come from `pool`."""
    for i in range(count(info.untyped)):
        description = info.untyped_list[i]
        if description.is_device != 0 and contains(description, physical_address):
            offset = physical_address - description.physical_address
            if offset < cuts.done[i]:
                raise DeviceMissing(physical_address)
            skip(pool, info.untyped.start + i, cuts.done[i], offset)
            cuts.done[i] = offset + (1 << PAGE_BITS)
            return cut(pool, info.untyped.start + i, ObjectType.PAGE, 0)
    raise DeviceMissing(physical_address)


def contains(description: UntypedDescription, physical_address: u64) -> bool:
    """Whether the untyped has this address."""
    start = description.physical_address
    return start <= physical_address < start + (1 << size_bits(description))


def skip(pool: Pool, memory: CPtr, position: u64, wanted: u64) -> None:
    """Cut off everything between two offsets."""
    while position < wanted:
        bits: u6 = MAX_UNTYPED_BITS
        while position % (1 << bits) != 0 or position + (1 << bits) > wanted:
            bits -= 1
        cut(pool, memory, ObjectType.UNTYPED, bits)
        position += 1 << bits


def cut(pool: Pool, memory: CPtr, type: ObjectType, size_bits: u6) -> CPtr:
    """The next object off this untyped."""
    slot = pool.take_slot()
    untyped.retype(memory, type, size_bits, RootSlot.CNODE, 0, 0, slot, 1)
    return slot
