"""Reading program images in the ELF format.

`check` looks at everything that the loader will rely on, before anything is mapped, and raises BadElf with
the reason; after it, `segment` can be trusted. An image comes from outside, so nothing in it is believed: no
offset, no length, no count. What is accepted is what Pith's linker makes: 64-bit little-endian RISC-V, fixed
addresses, segments that do not share a page and are not both writable and executable.

    header        where the segment table is, and the entry point
    segments      "these bytes of the file go to that address, with those rights, followed by so many zeros"
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.objects import PAGE_BITS
from pith.metal import Array, Failure, Struct, array, size_of, u8, u16, u32, u64

PAGE_BYTES: Final = 1 << PAGE_BITS
MAGIC: Final = 0x464C457F  # 0x7f "ELF"
CLASS_64: Final = 2
LITTLE_ENDIAN: Final = 1
EXECUTABLE_FILE: Final = 2
RISCV: Final = 243
LOAD: Final = 1
FLAG_EXECUTE: Final = 1
FLAG_WRITE: Final = 2
HEADER_BYTES: Final = 64
SEGMENT_BYTES: Final = 56
MOST_SEGMENTS: Final = 16
LOWEST_ADDRESS: Final = PAGE_BYTES  # page 0 stays empty: a null reference must fault
HIGHEST_ADDRESS: Final = 0x10_0000_0000  # from there on addresses are the component's own (process.py)


class Reason(IntEnum):
    """What is wrong with an image."""

    TOO_SHORT = 1
    NOT_ELF = 2
    NOT_64_BIT_LITTLE_ENDIAN = 3
    NOT_RISCV = 4
    NOT_EXECUTABLE = 5
    SEGMENT_TABLE_OUTSIDE = 6
    TOO_MANY_SEGMENTS = 7
    SEGMENT_OUTSIDE_FILE = 8
    SEGMENT_LARGER_IN_FILE = 9
    ADDRESS_NOT_ALLOWED = 10
    WRITABLE_AND_EXECUTABLE = 11
    SEGMENTS_SHARE_PAGE = 12
    ENTRY_OUTSIDE = 13
    NOTHING_TO_LOAD = 14


class BadElf(Failure):
    """The image cannot be loaded."""

    reason: Reason


class Header(Struct, size=HEADER_BYTES):
    """The ELF header."""

    magic: u32
    file_class: u8
    byte_order: u8
    ident_version: u8
    os_abi: u8
    padding: Array[u8] = array(8)
    file_type: u16
    machine: u16
    version: u32
    entry: u64
    segment_table: u64
    section_table: u64
    flags: u32
    header_size: u16
    segment_size: u16
    segment_count: u16


class Segment(Struct, size=SEGMENT_BYTES):
    """An entry of the segment ("program header") table."""

    type: u32
    flags: u32
    offset: u64
    virtual_address: u64
    physical_address: u64
    file_size: u64
    memory_size: u64
    alignment: u64


def header(image: Array[u8]) -> Header:
    """The image's header; the image is known to be long enough."""
    return Header.at(image.address)


def segment(image: Array[u8], index: u64) -> Segment:
    """Entry `index` of the segment table of an image that was checked."""
    return Segment.at(image.address + header(image).segment_table + index * SEGMENT_BYTES)


def is_loaded(entry: Segment) -> bool:
    """Whether the segment takes any memory."""
    return entry.type == LOAD and entry.memory_size != 0


def first_page(entry: Segment) -> u64:
    """The address of the first page that the segment touches."""
    return entry.virtual_address & ~(PAGE_BYTES - 1)


def end_page(entry: Segment) -> u64:
    """The address after the last page that the segment touches."""
    return (entry.virtual_address + entry.memory_size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)


def check(image: Array[u8]) -> None:
    """Raise BadElf unless the image can be loaded. `image` is aligned to 8."""
    check_header(image)
    loaded: u64 = 0
    holds_entry = False
    for i in range(header(image).segment_count):
        entry = segment(image, i)
        if is_loaded(entry):
            check_segment(image, entry)
            check_apart(image, i)
            loaded += 1
            inside = entry.virtual_address <= header(image).entry < entry.virtual_address + entry.file_size
            if inside and entry.flags & FLAG_EXECUTE:
                holds_entry = True
    if loaded == 0:
        raise BadElf(Reason.NOTHING_TO_LOAD)
    if not holds_entry:
        raise BadElf(Reason.ENTRY_OUTSIDE)


def check_header(image: Array[u8]) -> None:
    """The file is a program for this machine, and its segment table lies inside."""
    if len(image) < HEADER_BYTES:
        raise BadElf(Reason.TOO_SHORT)
    head = header(image)
    if head.magic != MAGIC:
        raise BadElf(Reason.NOT_ELF)
    if head.file_class != CLASS_64 or head.byte_order != LITTLE_ENDIAN:
        raise BadElf(Reason.NOT_64_BIT_LITTLE_ENDIAN)
    if head.machine != RISCV:
        raise BadElf(Reason.NOT_RISCV)
    if head.file_type != EXECUTABLE_FILE:
        raise BadElf(Reason.NOT_EXECUTABLE)
    if head.segment_count > MOST_SEGMENTS:
        raise BadElf(Reason.TOO_MANY_SEGMENTS)
    end = head.segment_table + head.segment_count * SEGMENT_BYTES
    if head.segment_size != SEGMENT_BYTES or head.segment_table % 8 != 0 or end > len(image):
        raise BadElf(Reason.SEGMENT_TABLE_OUTSIDE)


def check_segment(image: Array[u8], entry: Segment) -> None:
    """The segment's bytes lie in the file, its memory where programs may lie, its rights make sense."""
    if entry.offset + entry.file_size > len(image):
        raise BadElf(Reason.SEGMENT_OUTSIDE_FILE)
    if entry.file_size > entry.memory_size:
        raise BadElf(Reason.SEGMENT_LARGER_IN_FILE)
    if entry.virtual_address < LOWEST_ADDRESS or entry.virtual_address + entry.memory_size > HIGHEST_ADDRESS:
        raise BadElf(Reason.ADDRESS_NOT_ALLOWED)
    if entry.flags & FLAG_WRITE and entry.flags & FLAG_EXECUTE:
        raise BadElf(Reason.WRITABLE_AND_EXECUTABLE)


def check_apart(image: Array[u8], index: u64) -> None:
    """Segment `index` shares no page with one before it."""
    entry = segment(image, index)
    for i in range(index):
        other = segment(image, i)
        if is_loaded(other) and first_page(entry) < end_page(other) and first_page(other) < end_page(entry):
            raise BadElf(Reason.SEGMENTS_SHARE_PAGE)


assert size_of(Header) == HEADER_BYTES and size_of(Segment) == SEGMENT_BYTES
