"""Reading what the kernel told the initial thread (the layout is in abi/bootinfo.py)."""

from __future__ import annotations

from pith.abi.bootinfo import BootInfo, SlotRegion, UntypedDescription
from pith.metal import u6, u64


def count(region: SlotRegion) -> u64:
    """How many slots a region has."""
    return region.end - region.start


def size_bits(description: UntypedDescription) -> u6:
    """The size of an untyped, as a power of two."""
    return description.size_bits


def largest_memory(info: BootInfo) -> u64:
    """The index of the largest untyped that is ordinary memory."""
    best: u64 = 0
    best_bits: u6 = 0
    for i in range(count(info.untyped)):
        description = info.untyped_list[i]
        if description.is_device == 0 and size_bits(description) > best_bits:
            best, best_bits = i, size_bits(description)
    return best


def total_memory(info: BootInfo) -> u64:
    """Bytes of ordinary memory in all untypeds together."""
    total: u64 = 0
    for i in range(count(info.untyped)):
        description = info.untyped_list[i]
        if description.is_device == 0:
            total += 1 << size_bits(description)
    return total
