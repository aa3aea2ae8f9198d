"""Pith's loader: some forty instructions, a table and a page table, in two pages right below the kernel.

The firmware has loaded the whole image already, and jumps to its lowest address, with the hart's number in a0 and the device
tree's address in a1. What is left is to bring the tree to a place of our own, between kernel and user image, to switch
translation on, and to enter the kernel as seL4's loaders do:

    a0, a1  user image, physical start and end      a4, a5  device tree, physical address and size
    a2      physical minus virtual of it            a6      this hart's number
    a3      its entry                               a7      this core's number

Before that it sends the one byte that tells what the firmware printed from what the kernel and its programs print
(`pith.machine.image.START_OF_TEXT`): no terminal shows it.

Page 0 is the code and, behind it, the note with the table (`pith.machine.image`); page 1 the root page table. It is known
when the image is built, so no code makes it: the gigabyte that the loader itself runs in stays where it is, the
kernel's window shows the first 255 gigabytes, and the kernel's own gigabyte is seen at its top.
"""

from __future__ import annotations

import struct
from typing import Final

from pith.machine import board
from pith.machine.image import NOTE_HEADER, ROOM_FOR_TREE, START_OF_TEXT, Table

from .assembler import machine_code

PAGE: Final = 0x1000
SIZE: Final = 2 * PAGE
ADDRESS: Final = board.KERNEL_PHYSICAL - SIZE
NOTE_AT: Final = 0x204  # so that the table stands aligned
TABLE_AT: Final = NOTE_AT + NOTE_HEADER.size
ROOT_AT: Final = PAGE
GIGABYTE_BITS: Final = 30
SBI_PUT_CHAR: Final = 1  # SBI specification 2.0, chapter 5: all registers but a0 keep their values
VALID_READ_WRITE_EXECUTE_ACCESSED_DIRTY: Final = 0xCF

CODE: Final = f"""\
    auipc   t0, 0                   # this page
    mv      a6, a0
    mv      a4, a1
    li      a0, {START_OF_TEXT}
    li      a7, {SBI_PUT_CHAR}
    ecall
    li      a7, 0
    lbu     a5, 4(a1)               # the tree's size: big-endian, at byte 4
    lbu     t1, 5(a1)
    slli    a5, a5, 8
    or      a5, a5, t1
    lbu     t1, 6(a1)
    slli    a5, a5, 8
    or      a5, a5, t1
    lbu     t1, 7(a1)
    slli    a5, a5, 8
    or      a5, a5, t1
    li      t1, {ROOM_FOR_TREE}
    bltu    t1, a5, 2f              # a tree without end stays where it is
    ld      a4, {TABLE_AT + 40}(t0)
    mv      t1, a4
    add     t2, a1, a5
1:  ld      t3, (a1)
    sd      t3, (t1)
    addi    a1, a1, 8
    addi    t1, t1, 8
    bltu    a1, t2, 1b
2:  ld      a0, {TABLE_AT}(t0)
    ld      a1, {TABLE_AT + 8}(t0)
    ld      a2, {TABLE_AT + 16}(t0)
    ld      a3, {TABLE_AT + 24}(t0)
    ld      t2, {TABLE_AT + 32}(t0) # the kernel's entry
    srli    t0, t0, 12
    addi    t0, t0, {ROOT_AT // PAGE}
    li      t1, 8                   # Sv39
    slli    t1, t1, 60
    or      t0, t0, t1
    sfence.vma
    csrw    satp, t0
    sfence.vma
    jr      t2
"""


def build(table: Table) -> bytes:
    """The loader's two pages, for an image that `table` describes."""
    code = machine_code(CODE)
    assert len(code) <= NOTE_AT
    return (code.ljust(NOTE_AT, b"\0") + table.note()).ljust(PAGE, b"\0") + _root()


def _root() -> bytes:
    entries = [0] * 512
    window, own = _index(board.WINDOW_OFFSET), _index(board.KERNEL_PHYSICAL + board.KERNEL_OFFSET)
    for gigabyte in range(512 - window):
        entries[window + gigabyte] = _leaf(gigabyte)
    entries[own] = entries[_index(ADDRESS)] = _leaf(board.KERNEL_PHYSICAL >> GIGABYTE_BITS)
    return struct.pack("<512Q", *entries)


def _index(address: int) -> int:
    return address >> GIGABYTE_BITS & 511


def _leaf(gigabyte: int) -> int:
    return gigabyte << GIGABYTE_BITS - 2 | VALID_READ_WRITE_EXECUTE_ACCESSED_DIRTY
