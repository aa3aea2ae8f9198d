"""Compiled riscv64 code under Unicorn, over CPython's own arena: the third life of a program in the law's tests.

The arena is mapped at its host address, so that references mean the same to all lives; code and stack lie below. Panics end
in the compiler's default `pith_panic`, an `ebreak`, where the emulation stops with the site and the value in a0, a1.
"""

import ctypes
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_RISCV, UC_MODE_RISCV64, Uc, UcError
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_A1,
    UC_RISCV_REG_PC,
    UC_RISCV_REG_RA,
    UC_RISCV_REG_SP,
)

from pith.metal import memory
from pith.metal.compiler import link, tree
from pith.metal.compiler.calling import outcome, panic_at, words_of
from pith.metal.compiler.link import USER
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import FAILURE_DATA, Options
from pith.metal.compiler.lowering_memory import word_count

CODE, STACK, SCRATCH, STOP = 0x10000, 0x4000000, 0x5000000, 0x6000000
SIZE = 1 << 20
SCRIPT = """
SECTIONS {
    . = 0x10000;
    .text : { KEEP(*(.text.pith.call.* .text.unlikely.pith.call.*)) *(.text .text.*) }
    .rodata : { *(.rodata .rodata.* .srodata .srodata.*) }
    .data : { *(.data .data.* .sdata .sdata.*) }
    .bss : { *(.bss .bss.* .sbss .sbss.* COMMON) }
    /DISCARD/ : { *(.comment .note.* .eh_frame) }
}
"""


class Emulated:
    """Functions of a program, compiled to riscv64 and callable from CPython. Attach the arena before."""

    def __init__(self, program: tree.Program, functions: list[tree.Function], directory: Path) -> None:
        text = emit(lower(program, Options(arena_statics=True), functions), debug=False)
        source, compiled, image = (directory / f"program.{s}" for s in ("ll", "o", "elf"))
        source.write_text(text)
        link.compile_llvm(source, compiled, USER)
        link.link([compiled], image, SCRIPT, USER)
        self.failures, self.functions = program.failures, functions
        self.cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        for base, size in ((CODE, 32 * SIZE), (STACK, SIZE), (SCRATCH, SIZE), (STOP, 4096)):
            self.cpu.mem_map(base, size)
        self._load(image)
        self._map_arena()

    def _load(self, image: Path) -> None:
        with image.open("rb") as file:
            elf = ELFFile(file)
            for segment in elf.iter_segments("PT_LOAD"):
                self.cpu.mem_write(segment["p_vaddr"], segment.data())
            table: Any = elf.get_section_by_name(".symtab")
            self.symbols = {s.name: s["st_value"] for s in table.iter_symbols()}

    def _map_arena(self) -> None:
        pointer = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory.buffer)))
        self.cpu.mem_map_ptr(memory.base, memory.size, 7, pointer)

    def call(self, index: int, *arguments: Any) -> Any:
        """Call the function; raises its Failure, or Panicked."""
        function = self.functions[index]
        kinds = [kind for _, kind in function.parameters]
        words = [w for v, k in zip(arguments, kinds, strict=True) for w in words_of(v, k)]
        self.cpu.mem_write(SCRATCH, b"".join(w.to_bytes(8, "little") for w in words))
        results = SCRATCH + 0x8000
        registers = {
            UC_RISCV_REG_A0: SCRATCH, UC_RISCV_REG_A1: results,
            UC_RISCV_REG_SP: STACK + SIZE, UC_RISCV_REG_RA: STOP,
        }  # fmt: skip
        for register, value in registers.items():
            self.cpu.reg_write(register, value)
        try:
            self.cpu.emu_start(self.symbols[f"pith.call.{index}"], STOP)
        except UcError:
            if self.cpu.reg_read(UC_RISCV_REG_PC) not in range(
                self.symbols["pith_panic"], self.symbols["pith_panic"] + 8
            ):
                raise
            site, value = self.cpu.reg_read(UC_RISCV_REG_A0), self.cpu.reg_read(UC_RISCV_REG_A1)
            raise panic_at(self._read, site, value) from None
        number = self.cpu.reg_read(UC_RISCV_REG_A0)
        result = self._words(results, word_count(function.result))
        return outcome(
            function,
            self.failures,
            number,
            result,
            lambda n: self._words(self.symbols.get(FAILURE_DATA, SCRATCH), n),
        )

    def _read(self, address: int, length: int) -> bytes:
        return bytes(self.cpu.mem_read(address, length))

    def _words(self, address: int, count: int) -> list[int]:
        data = self._read(address, 8 * count)
        return [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
