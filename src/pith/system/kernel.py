"""Building the kernel: Pith's metal Python, compiled and linked into the ELF that a loader starts.

One segment, from physical 0x80200000, linked at the top of the address space: code and constants, data, `.bss`. The
symbol `pith_image_end` tells the kernel where its own memory ends; what was compiled before is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pith.kernel import benchmark, boot, debug, panic, resume
from pith.kernel.riscv64 import entry, trap
from pith.machine import board

ADDRESS: Final = board.KERNEL_PHYSICAL + board.KERNEL_OFFSET

LINKER_SCRIPT: Final = f"""\
ENTRY(pith_entry)
PHDRS
{{
    kernel PT_LOAD FLAGS(7);
}}
SECTIONS
{{
    . = {ADDRESS:#x};
    .text : AT({board.KERNEL_PHYSICAL:#x}) {{
        KEEP(*(.text.pith_entry)) . = ALIGN(64);
        *(.text.pith_trap_entry .text.pith_kernel_trap .text.pith_resume) *(.text .text.*)
    }} :kernel
    .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} :kernel
    .data : {{ *(.data .data.* .sdata .sdata.*) }} :kernel
    .bss : {{ *(.sbss .sbss.* .bss .bss.* COMMON) }} :kernel
    . = ALIGN(4096);
    pith_image_end = .;
    /DISCARD/ : {{ *(.eh_frame .eh_frame_hdr .comment .riscv.attributes .note.*) }}
}}
"""


def set_debugging(wanted: bool) -> None:
    """Whether kernels that are built or started from now on have the debug system calls."""
    vars(debug)["DEBUG"] = wanted  # a constant of the kernel's, and as such a part of what is compiled


def set_complaints(level: int) -> None:
    """How much kernels with debugging tell of failed invocations: `debug.SILENT`, `ONCE` or `ALL`."""
    vars(debug)["LEVEL"] = level


def set_benchmarking(mode: int) -> None:
    """What kernels measure of themselves: `benchmark.OFF`, `ENTRIES` or `UTILISATION`."""
    vars(benchmark)["MODE"] = mode


def build_kernel() -> Path:
    """The kernel's ELF, with symbols and debug information."""
    from pith.metal.compiler.driver import compile_program  # here, for a hosted machine has no use for it

    roots: list[Callable[..., Any]] = [entry.enter, entry.trap, boot.start, resume.begin]
    roots += [trap.enter, trap.handle_kernel_trap, panic.panic]
    return compile_program(roots).link(LINKER_SCRIPT)
