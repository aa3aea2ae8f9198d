"""A kernel of a few lines, to test the hosted machine with, and programs for it in assembly.

It maps what a test asks for, runs one context, writes down every trap, and lets the test's `answer` do the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pith.machine import board, elf
from pith.machine.hosted import HostedMachine
from pith.machine.image import BootImage, Table
from pith.metal import machine as metal
from pith.metal import memory
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

CODE = 0x10000  # where programs are linked; the pages behind it are data, then the device
DATA = 0x11000
DEVICE = 0x12000
NOWHERE = 0x7000_0000
READ, WRITE, EXECUTE, USER = 2, 4, 8, 16
USER_CODE, USER_DATA = READ | EXECUTE | USER, READ | WRITE | USER
ECALL, TIMER, EXTERNAL = 8, 1 << 63 | 5, 1 << 63 | 9
MEMORY = 32 << 20
CODE_PAGE, DATA_PAGE = 0x8030_0000, 0x8030_1000
TABLES, CONTEXT = 0x8020_1000, 0x8020_0000
A0, A1, A2, A3, PC = 9, 10, 11, 12, 31  # words of a context


class Seen(NamedTuple):
    """A kernel entry: cause, value, and where the thread stood."""

    cause: int
    value: int
    pc: int


def window(physical: int) -> int:
    return physical + board.WINDOW_OFFSET


class SmallKernel:
    """`answer` is called at every entry, and may change anything; by default the first trap ends the machine."""

    def __init__(self, answer: Callable[[SmallKernel, Seen], None] | None = None) -> None:
        self.answer = answer or (lambda kernel, seen: kernel.finish())
        self.setup: Callable[[SmallKernel], None] = lambda kernel: None
        self.seen: list[Seen] = []
        self.waiting = False
        self.tables = 0

    def start(self, table: Table, tree_size: int) -> int:
        self.root = self.new_table()
        self.map(CODE, CODE_PAGE, USER_CODE)
        self.map(DATA, DATA_PAGE, USER_DATA)
        self.map(DEVICE, board.SERIAL.base, USER_DATA)
        self.set_register(PC, table.user_entry)
        metal.csr_write("satp", 8 << 60 | self.root >> 12)
        self.setup(self)
        return self.resume()

    def new_table(self) -> int:
        self.tables += 1
        return TABLES + 0x1000 * (self.tables - 1)

    def map(self, virtual: int, physical: int, flags: int, root: int | None = None) -> None:
        table = self.root if root is None else root
        for shift in (30, 21):
            entry = window(table) + 8 * (virtual >> shift & 511)
            if not metal.load_u64(entry):
                metal.store_u64(entry, self.new_table() >> 2 | 1)
            table = metal.load_u64(entry) >> 10 << 12
        metal.store_u64(window(table) + 8 * (virtual >> 12 & 511), physical >> 2 | flags | 0xC1)

    def register(self, number: int) -> int:
        return metal.load_u64(window(CONTEXT) + 8 * number)

    def set_register(self, number: int, value: int) -> None:
        metal.store_u64(window(CONTEXT) + 8 * number, value)

    def skip(self, length: int = 4) -> None:
        """Let the thread go on behind the instruction that trapped."""
        self.set_register(PC, self.register(PC) + length)

    def handle_trap(self, cause: int, value: int) -> int:
        self._note(cause, value)
        return self.resume()

    def resume(self) -> int:
        while self.waiting:
            metal.wait_for_interrupt()
            self._note(EXTERNAL if metal.csr_read("sip") >> 9 & 1 else TIMER, 0)
        return window(CONTEXT)

    def _note(self, cause: int, value: int) -> None:
        self.seen.append(Seen(cause, value, self.register(PC)))
        self.answer(self, self.seen[-1])

    def finish(self) -> None:
        metal.sbi_call(0x5352_5354, 0, 0, 0, 0)


@cache
def assembled(text: str) -> bytes:
    return machine_code(text)


def program(text: str) -> BootImage:
    """A boot image without a kernel, whose program is `text` in assembly."""
    code = assembled(text)
    table = Table(
        CODE_PAGE, CODE_PAGE + 0x1000, CODE_PAGE - CODE, CODE, 0, 0x802F_0000, 0x8020_0000, 0x802F_0000
    )
    return BootImage(Path("program"), table, (elf.Segment(CODE_PAGE, CODE_PAGE, code, 0x1000),))


def machine(kernel: SmallKernel, text: str) -> HostedMachine:
    return HostedMachine(program(text), memory=MEMORY, kernel=kernel)


def run(text: str, kernel: SmallKernel | None = None) -> SmallKernel:
    """Run `text` until the kernel ends the machine."""
    kernel = kernel or SmallKernel()
    with machine(kernel, text) as running:
        running.run(seconds=ENOUGH)
        assert running.exit_status is not None, f"it went on; traps: {kernel.seen[-5:]}"
        kernel.registers = [kernel.register(number) for number in range(33)]  # type: ignore[attr-defined]
    assert memory.buffer is None
    return kernel
