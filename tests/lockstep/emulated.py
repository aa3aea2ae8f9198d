"""The kernel as riscv64 code, emulated: what the metal runs, over memory of its own.

Unicorn has the world's memory at the world's addresses, code and stack below. Compiled code reaches Python's processor by a
mailbox: it leaves the arguments there, reads the hook's own address, where no memory is, and finds the answer in the mailbox. Slower than `compiled.py`, and closer: the same code generator, options and panics as the metal's kernel.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_RISCV, UC_MODE_RISCV64, Uc, UcError
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_A1,
    UC_RISCV_REG_PC,
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
)

from pith.kernel.riscv64 import trap
from pith.metal.compiler import link
from pith.metal.compiler.calling import panic_at
from pith.metal.compiler.link import KERNEL
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import Options
from pith.metal.compiler.reader import read_program
from tests.metal.generators.emulated import CODE, SCRATCH, SCRIPT, STACK, STOP
from tests.metal.generators.emulated import SIZE as AREA

from .hooks import Hooks
from .processor import Asleep, Processor
from .world import BASE, SIZE

MAILBOX: Final = SCRATCH + 0x1000
HOOKS: Final = 0x700_0000  # one word for each
HOOKS_SIZE: Final = 0x1000
ANSWER: Final = MAILBOX + 0x100
RESULTS: Final = SCRATCH + 0x800


class _Mailbox(Hooks):
    """Compiled code writes arguments to the mailbox, touches the hook's address, and reads the answer from the mailbox.

    It touches 32 bits there, for the emulator would make two calls of 64.
    """

    def __init__(self, processor: Processor, sleep: Callable[[], None]) -> None:
        super().__init__(processor, sleep)
        self.functions: list[tuple[Callable[..., Any], int]] = []  # with how many arguments

    def call(self, head: str, kind: str, arguments: list[str], function: Callable[..., Any]) -> list[str]:
        number = len(self.functions)
        self.functions.append((function, len(arguments)))
        lines = [
            f"  store volatile {argument}, {_at(MAILBOX + 8 * i)}" for i, argument in enumerate(arguments)
        ]
        lines.append(f"  %hook.{number} = load volatile i32, {_at(HOOKS + 8 * number)}")
        return lines if kind == "void" else [*lines, f"{head}load volatile {kind}, {_at(ANSWER)}"]


def _at(address: int) -> str:
    return f"ptr inttoptr (i64 {address} to ptr), align 8"


class Emulated:
    """The kernel as the metal has it. Make it while CPython's kernel is attached, whose statics' places it takes over."""

    def __init__(self, directory: Path) -> None:
        self.memory = mmap.mmap(-1, SIZE)
        self.words = memoryview(self.memory).cast("Q")
        self.processor = Processor(self.words, BASE)
        self.asleep = False
        self._hooks = _Mailbox(self.processor, self._sleep)
        self.cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        for base, size in ((CODE, 32 * AREA), (STACK, AREA), (SCRATCH, AREA), (STOP, 4096)):
            self.cpu.mem_map(base, size)
        self.cpu.mmio_map(HOOKS, HOOKS_SIZE, self._read_hook, None, self._write_hook, None)
        pointer = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(self.memory)))
        self.cpu.mem_map_ptr(BASE, SIZE, 3, pointer)
        self._load(self._build(directory))

    def _build(self, directory: Path) -> Path:
        program = read_program([trap.handle_trap])
        functions = [f for f in program.functions if f.python is trap.handle_trap]
        text = emit(lower(program, Options(arena_statics=True), functions), debug=False)
        source, compiled, image = (directory / f"kernel.{s}" for s in ("ll", "o", "elf"))
        source.write_text(self._hooks.hooked(text))
        link.compile_llvm(source, compiled, KERNEL)
        link.link([compiled], image, SCRIPT, KERNEL)
        assert 8 * len(self._hooks.functions) <= HOOKS_SIZE
        return image

    def _load(self, image: Path) -> None:
        with image.open("rb") as file:
            elf = ELFFile(file)
            for segment in elf.iter_segments("PT_LOAD"):
                self.cpu.mem_write(segment["p_vaddr"], segment.data())
            table: Any = elf.get_section_by_name(".symtab")
            self.symbols = {s.name: s["st_value"] for s in table.iter_symbols()}

    def enter(self, cause: int, value: int) -> int:
        self.asleep = False
        self.cpu.mem_write(SCRATCH, cause.to_bytes(8, "little") + value.to_bytes(8, "little"))
        registers = ((UC_RISCV_REG_A0, SCRATCH), (UC_RISCV_REG_A1, RESULTS), (UC_RISCV_REG_SP, STACK + AREA))
        for register, word in (*registers, (UC_RISCV_REG_RA, STOP)):
            self.cpu.reg_write(register, word)
        try:
            self.cpu.emu_start(self.symbols["pith.call.0"], STOP)
        except UcError:
            self._tell_panic()
            raise
        if self.asleep:
            raise Asleep
        return int.from_bytes(self._read(RESULTS, 8), "little")

    def _tell_panic(self) -> None:
        panic = self.symbols.get("pith_panic", STOP)
        if self.cpu.reg_read(UC_RISCV_REG_PC) in range(panic, panic + 8):
            site, value = self.cpu.reg_read(UC_RISCV_REG_A0), self.cpu.reg_read(UC_RISCV_REG_A1)
            raise panic_at(self._read, site, value)

    def _read(self, address: int, length: int) -> bytes:
        return bytes(self.cpu.mem_read(address, length))

    def _read_hook(self, cpu: Uc, offset: int, size: int, data: object) -> int:
        function, count = self._hooks.functions[offset // 8]
        letter = self._read(MAILBOX, 8 * count)
        arguments = [int.from_bytes(letter[i : i + 8], "little") for i in range(0, len(letter), 8)]
        self.cpu.mem_write(ANSWER, (function(*arguments) or 0).to_bytes(8, "little"))
        return 0

    def _write_hook(self, cpu: Uc, offset: int, size: int, value: int, data: object) -> None:
        raise AssertionError("nothing is written to a hook")

    def _sleep(self) -> None:
        try:
            self.processor.wait_for_interrupt()
        except Asleep:
            self.asleep = True
            self.cpu.emu_stop()
