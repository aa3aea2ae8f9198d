"""Physical memory as sorted ranges, from which pieces are taken away: for boot only.

Ranges are kept sorted and apart, so that taking a piece out is one pass: a range that the piece overlaps is
shortened, split in two or dropped.
"""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Struct, array, u6, u8, u64
from pith.metal.machine import panic

from .riscv64.device_tree import Region

MOST: Final = 64


class Ranges(Struct):
    """A set of physical addresses."""

    count: u8
    items: Array[Region] = array(MOST)


def add(ranges: Ranges, start: u64, end: u64) -> None:
    """Add start..end-1, all of which lies apart from what the set holds."""
    index: u8 = 0
    while index < ranges.count and ranges.items[index].start < start:
        index += 1
    _insert(ranges, index, start, end)


def remove(ranges: Ranges, start: u64, end: u64) -> None:
    """Take start..end-1 out of the set, whether it is in or not."""
    index: u8 = 0
    while index < ranges.count:
        item = ranges.items[index]
        if end <= item.start or item.end <= start:
            index += 1
        elif start <= item.start and item.end <= end:
            _drop(ranges, index)
        elif start <= item.start:
            item.start = end
            index += 1
        else:
            rest = item.end
            item.end = start
            index += 1
            if end < rest:
                _insert(ranges, index, end, rest)


def take_highest(ranges: Ranges, size: u64, alignment_bits: u6) -> u64:
    """Take `size` bytes out of the highest range that has them, aligned, as far up in it as they fit; where they begin."""
    for below in range(ranges.count):
        item = ranges.items[ranges.count - 1 - below]
        if item.end >= size:
            start = item.end - size >> alignment_bits << alignment_bits
            if start >= item.start:
                remove(ranges, start, start + size)
                return start
    panic("boot: no range of free memory is large enough for the initial objects")


def _insert(ranges: Ranges, index: u8, start: u64, end: u64) -> None:
    if ranges.count >= MOST:
        panic("memory map: physical memory is in more pieces than the kernel has room for")
    position: u8 = ranges.count
    while position > index:
        _copy(ranges, position, position - 1)
        position -= 1
    ranges.items[index].start = start
    ranges.items[index].end = end
    ranges.count += 1


def _drop(ranges: Ranges, index: u8) -> None:
    ranges.count -= 1
    for position in range(index, ranges.count):
        _copy(ranges, position, position + 1)


def _copy(ranges: Ranges, to: u8, source: u8) -> None:
    ranges.items[to].start = ranges.items[source].start
    ranges.items[to].end = ranges.items[source].end
