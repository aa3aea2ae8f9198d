"""Building a user program: metal Python or C in, an ELF file out.

Every program is laid out by one linker script: code, constants and data each on pages of their own, so that the loader can
give them different rights, from a low address on. What was built before from the same sources is not built again:
the compiler's cache keeps it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pith import UserError
from pith.metal.compiler.driver import Compiled, compile_program, import_file
from pith.metal.compiler.link import USER
from pith.runtime import panic, start

MAIN_SYMBOL = "pith_main"
IMAGE_ADDRESS = 0x10000

LINKER_SCRIPT = f"""\
ENTRY(_start)
PHDRS
{{
    text PT_LOAD FLAGS(5);
    constants PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
}}
SECTIONS
{{
    . = {IMAGE_ADDRESS:#x};
    .text : {{ KEEP(*(.text.start)) *(.text .text.*) }} :text
    . = ALIGN(4096);
    .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} :constants
    .archive : {{ KEEP(*(.archive)) }} :constants
    . = ALIGN(4096);
    .data : {{ *(.data .data.*) }} :data
    .sdata : {{ __global_pointer$ = . + 0x800; *(.sdata .sdata.*) }} :data
    .bss (NOLOAD) : {{ *(.sbss .sbss.* .bss .bss.* COMMON) }} :data
    /DISCARD/ : {{ *(.eh_frame .eh_frame_hdr .comment .riscv.attributes .note.*) }}
}}
"""


def build_program(path: Path) -> Path:
    """The ELF of the program in this file. Raises UserError, with what to mend."""
    if path.suffix == ".c":
        raise NotImplementedError
    return build_python(path)


def build_python(path: Path, assembly: str = "") -> Path:
    """The ELF of a metal-Python program, with extra assembly linked in."""
    return compile_python(path).link(LINKER_SCRIPT, assembly)


def compile_python(path: Path) -> Compiled:
    module = import_file(path)
    main = main_of(vars(module))
    roots = [start.start, start.prepare, main, start.finish, panic.panic]
    return compile_program(roots, target=USER)


def main_of(names: dict[str, Any]) -> Any:
    """The function that a module exports as its `pith_main`."""
    for value in names.values():
        if getattr(value, "__metal_export__", None) == MAIN_SYMBOL:
            return value
    raise UserError("no main")
