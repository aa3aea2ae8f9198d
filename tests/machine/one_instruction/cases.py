"""One instruction in one state of the processor, and what it leaves: as a record in memory that both machines use.

Where the program sees its memory is the same on both machines, down to the page tables, which are made here. Words are of 64 bits:

    0        the program counter: where the instruction lies; behind it, and all around, breakpoints
    1..31    x1..x31
    32..63   f0..f31
    64       fcsr
    65       the instruction; behind a compressed one a breakpoint
    66..68   afterwards: the cause of the trap, its value, and how far the program counter went
    72..79   the window: the 64 bytes of memory around the border of two data pages
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from pith.machine import board
from pith.machine.translation import EXECUTE, READ, SV39, USER, VALID, WRITE

WORDS: Final = 80
RECORD: Final = struct.Struct(f"<{WORDS}Q")
PC, X, F, FCSR, INSTRUCTION, CAUSE, VALUE, WENT, WINDOW = 0, 0, 32, 64, 65, 66, 67, 68, 72
WINDOW_WORDS: Final = 8
MASK64: Final = (1 << 64) - 1
PAGE: Final = 0x1000
BREAKPOINT: Final = 0x9002  # c.ebreak

# Physical.
HARNESS: Final = 0x8020_0000  # the program that drives QEMU
ROOT: Final = 0x8021_0000  # page tables
CODE_PAGES: Final = 0x8022_0000  # two
FIRST_DATA, SECOND_DATA, OTHER_DATA = 0x8022_4000, 0x8022_6000, 0x8022_8000
RECORDS: Final = 0x8030_0000
NO_DEVICE: Final = 0x0800_0000
ACCESSED_DIRTY: Final = 0xC0

# Virtual.
CODE: Final = 0x1_0000
DATA: Final = 0x2_0000  # two pages
BORDER: Final = DATA + PAGE
WINDOW_AT: Final = BORDER - 32
READ_ONLY, HOLE, SUPERVISOR, EXECUTE_ONLY, WRITE_ONLY = 0x3_0000, 0x4_0000, 0x6_0000, 0x7_0000, 0x7_2000
NOWHERE: Final = 0x1234_5678_9000
DEVICES: Final = {
    0x10_0000 + PAGE * n: region
    for n, region in enumerate((board.SERIAL, board.TEST_DEVICE, board.REAL_TIME_CLOCK, board.VIRTIO[7]))
}

MAPPED: Final = {
    CODE: (CODE_PAGES, READ | EXECUTE | USER),
    CODE + PAGE: (CODE_PAGES + PAGE, READ | EXECUTE | USER),
    DATA: (FIRST_DATA, READ | WRITE | USER),
    BORDER: (SECOND_DATA, READ | WRITE | USER),
    READ_ONLY: (OTHER_DATA, READ | USER),
    HOLE: (NO_DEVICE, READ | WRITE | EXECUTE | USER),
    SUPERVISOR: (OTHER_DATA, READ | WRITE | EXECUTE),
    EXECUTE_ONLY: (CODE_PAGES, EXECUTE | USER),
    WRITE_ONLY: (OTHER_DATA, WRITE | USER),
    **{virtual: (region.base, READ | WRITE | USER) for virtual, region in DEVICES.items()},
}
SATP: Final = SV39 << 60 | ROOT >> 12


class Case(NamedTuple):
    """An instruction and the state before it."""

    instruction: int
    x: tuple[int, ...]  # x1..x31
    f: tuple[int, ...]  # f0..f31
    fcsr: int = 0
    pc: int = CODE + 0x100
    window: tuple[int, ...] = (0,) * WINDOW_WORDS

    def code(self) -> bytes:
        return self.instruction.to_bytes(4 if self.instruction & 3 == 3 else 2, "little")

    def record(self) -> bytes:
        instruction = self.instruction | (BREAKPOINT << 16 if self.instruction & 3 != 3 else 0)
        return RECORD.pack(self.pc, *self.x, *self.f, self.fcsr, instruction, 0, 0, 0, 0, 0, 0, *self.window)


class Outcome(NamedTuple):
    """The state behind it. `went` is the program counter, relative to the instruction's."""

    cause: int
    value: int
    went: int
    x: tuple[int, ...]
    f: tuple[int, ...]
    fcsr: int
    window: tuple[int, ...]

    @classmethod
    def of(cls, case: Case, record: tuple[int, ...]) -> Outcome:
        went = (record[WENT] - case.pc) & MASK64
        return cls(
            record[CAUSE], record[VALUE], went, record[X + 1 : F], record[F:FCSR], record[FCSR], record[WINDOW:]
        )  # fmt: skip


def tables() -> bytes:
    """The page tables from ROOT: a page for the root, one for each table below it; the kernel's half gigapage is the supervisor's."""
    pages = [[0] * 512]
    for virtual, (physical, flags) in MAPPED.items():
        table = pages[0]
        for shift in (30, 21):
            index = virtual >> shift & 511
            if not table[index]:
                pages.append([0] * 512)
                table[index] = (ROOT + PAGE * (len(pages) - 1)) >> 2 | VALID
            table = pages[((table[index] >> 10 << 12) - ROOT) // PAGE]
        table[virtual >> 12 & 511] = physical >> 2 | flags | VALID | ACCESSED_DIRTY
    pages[0][2] = 0x8000_0000 >> 2 | READ | WRITE | EXECUTE | VALID | ACCESSED_DIRTY
    return b"".join(struct.pack("<512Q", *page) for page in pages)


def memory() -> bytes:
    """What lies from ROOT to RECORDS before the first case."""
    content = bytearray(RECORDS - ROOT)
    content[: len(tables())] = tables()
    start = CODE_PAGES - ROOT
    content[start : start + 2 * PAGE] = struct.pack("<H", BREAKPOINT) * PAGE
    return bytes(content)
