"""Physical memory as sorted ranges, from which pieces are taken away: for boot only.

Ranges are kept sorted and apart, so that taking a piece out is one pass: a range that the piece overlaps is
shortened, split in two or dropped.
"""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Struct, array, u8, u64
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


def largest(ranges: Ranges) -> Region:
    """The largest range of a set that is not empty."""
    best = ranges.items[0]
    for index in range(ranges.count):
        item = ranges.items[index]
        if item.end - item.start > best.end - best.start:
            best = item
    return best


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
