"""The kernel as riscv64 code, emulated: what the metal runs, over memory of its own.

Unicorn has the world's memory at its physical addresses, seen through the window wherever the build has that, and code and
stack below. Compiled code reaches Python's processor by a mailbox: it leaves the arguments there, reads the hook's own address,
where no memory is, and finds the answer in the mailbox. Slower than `compiled.py`, and closer: the same code generator, options
and panics as the metal's kernel, and the window may be high as there.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from elftools.elf.elffile import ELFFile
from unicorn import (
    UC_ARCH_RISCV,
    UC_HOOK_TLB_FILL,
    UC_MODE_RISCV64,
    UC_PROT_ALL,
    UC_TLB_VIRTUAL,
    Uc,
    UcError,
)
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_A1,
    UC_RISCV_REG_PC,
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
)

from pith.metal.compiler import link
from pith.metal.compiler.calling import panic_at
from pith.metal.compiler.link import KERNEL
from pith.metal.compiler.lowering_builder import Options
from tests.metal.generators.emulated import CODE, SCRATCH, SCRIPT, STACK, STOP
from tests.metal.generators.emulated import SIZE as AREA

from .builds import RAM, Build
from .compiled import kernel_text
from .hooks import Hooks
from .processor import Asleep, Processor
from .world import symbols

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

    def __init__(self, build: Build, directory: Path) -> None:
        self.build = build
        self.memory = mmap.mmap(-1, build.ram_bytes)
        self.words = memoryview(self.memory).cast("Q")
        self.processor = Processor(self.words, build.base)
        self.asleep = False
        self._hooks = _Mailbox(self.processor, self._sleep)
        self.cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        self.cpu.ctl_set_tlb_mode(UC_TLB_VIRTUAL)
        self.cpu.hook_add(UC_HOOK_TLB_FILL, self._translate)
        for base, size in ((CODE, 32 * AREA), (STACK, AREA), (SCRATCH, AREA), (STOP, 4096)):
            self.cpu.mem_map(base, size)
        self.cpu.mmio_map(HOOKS, HOOKS_SIZE, self._read_hook, None, self._write_hook, None)
        pointer = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(self.memory)))
        self.cpu.mem_map_ptr(RAM, build.ram_bytes, UC_PROT_ALL, pointer)
        self._load(self._link(directory))

    def _translate(self, cpu: Uc, address: int, access: int, entry: Any, data: object) -> bool:
        """The window shows physical memory; what lies below it is where it is."""
        physical = address - self.build.window if address >= self.build.window else address
        entry.paddr, entry.perms = physical & -4096, UC_PROT_ALL
        return True

    def _link(self, directory: Path) -> Path:
        source, compiled, image = (directory / f"kernel.{s}" for s in ("ll", "o", "elf"))
        text = kernel_text(Options(arena_statics=True), hosted=False)
        source.write_text(self._hooks.hooked(text, symbols(self.build)))
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
        self.processor.stval = value
        return self._call(0, cause)

    def boot(self, arguments: tuple[int, ...]) -> int:
        self._call(1, *arguments)
        return self._call(2)

    def _call(self, root: int, *arguments: int) -> int:
        self.asleep = False
        self.cpu.mem_write(SCRATCH, struct.pack(f"<{len(arguments)}Q", *arguments))
        registers = ((UC_RISCV_REG_A0, SCRATCH), (UC_RISCV_REG_A1, RESULTS), (UC_RISCV_REG_SP, STACK + AREA))
        for register, word in (*registers, (UC_RISCV_REG_RA, STOP)):
            self.cpu.reg_write(register, word)
        try:
            self.cpu.emu_start(self.symbols[f"pith.call.{root}"], STOP)
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
