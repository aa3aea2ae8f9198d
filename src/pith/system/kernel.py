"""Building the kernel: Pith's metal Python, compiled and linked into the ELF that a loader starts.

One segment, from physical 0x80200000, linked at the top of the address space: what only boot needs, code and constants,
data, `.bss`. What was compiled before is kept. Symbols tell the kernel, and others who want to know, where what ends:

    pith_tree .. pith_tree_end   a device tree, if one was built in; read if the loader hands over none
    ki_boot_end                  boot's code and that tree lie before it: general memory when boot is done
    ki_end                       the end of the kernel's own memory

The names with `ki` are seL4's. The linker sees to it that no other code refers to boot's (NOCROSSREFS_TO).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pith import UserError
from pith.kernel import benchmark, boot, debug, memory_map, panic, resume
from pith.kernel.riscv64 import device_tree, entry, trap
from pith.kernel.state import DOMAINS
from pith.machine import board
from pith.machine import device_tree as tree_writer

ADDRESS: Final = board.KERNEL_PHYSICAL + board.KERNEL_OFFSET

MOST_DOMAINS: Final = DOMAINS
ROOT_CNODE_BITS: Final = range(7, 28)  # from a page of slots to four gigabytes of them

BOOT_CODE: Final = " ".join(f".text.{module.__name__}.*" for module in (boot, memory_map, device_tree))

LINKER_SCRIPT: Final = f"""\
ENTRY(pith_entry)
NOCROSSREFS_TO(.boot .text)
PHDRS
{{
    kernel PT_LOAD FLAGS(7);
}}
SECTIONS
{{
    . = {ADDRESS:#x};
    .boot : AT({board.KERNEL_PHYSICAL:#x}) {{
        KEEP(*(.text.pith_entry)) *(.text.pith_kernel_start {BOOT_CODE})
        . = ALIGN(8); pith_tree = .; KEEP(*(.boot.tree)) pith_tree_end = .;
        . = ALIGN(4096);
    }} :kernel
    ki_boot_end = .;
    .text : {{
        *(.text.pith_trap_entry .text.pith_kernel_trap .text.pith_resume) *(.text .text.*)
    }} :kernel
    .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} :kernel
    .data : {{ *(.data .data.* .sdata .sdata.*) }} :kernel
    .bss : {{ *(.sbss .sbss.* .bss .bss.* COMMON) }} :kernel
    . = ALIGN(4096);
    ki_end = .;
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


def set_domains(count: int) -> None:
    """How many domains kernels have that are built or started from now on: 1 to `MOST_DOMAINS`."""
    if not 1 <= count <= MOST_DOMAINS:
        raise UserError(f"a kernel cannot have {count} domains", f"choose 1 to {MOST_DOMAINS}")
    vars(boot)["DOMAIN_COUNT"] = count


def set_root_cnode_bits(bits: int) -> None:
    """The number of slots of the initial thread's CNode, as a power of two, in `ROOT_CNODE_BITS`.

    The initial thread's program takes one slot for each of its pages, so this bounds its size; a slot takes 32 bytes.
    """
    if bits not in ROOT_CNODE_BITS:
        least, most = ROOT_CNODE_BITS[0], ROOT_CNODE_BITS[-1]
        raise UserError(f"the root CNode cannot have 2^{bits} slots", f"choose 2^{least} to 2^{most} slots")
    vars(boot)["ROOT_CNODE_BITS"] = bits


def read_tree(path: Path) -> bytes:
    """The flattened device tree in a file. Raises UserError if it is none, or cut off."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "name a flattened device tree (.dtb)") from None
    if content[:4] != tree_writer.MAGIC.to_bytes(4, "big"):
        raise UserError(f"{path} is not a flattened device tree", "make one of a source with dtc -O dtb")
    size = int.from_bytes(content[4:8], "big")
    if len(content) < size:
        raise UserError(f"{path} is cut off: it has {len(content)} bytes of {size}", "copy it again")
    return content[:size]


def build_kernel(tree: bytes | None = None) -> Path:
    """The kernel's ELF, with symbols and debug information.

    `tree` is a flattened device tree to build in, for loaders that hand over none.
    """
    from pith.metal.compiler.driver import compile_program  # here, for a hosted machine has no use for it

    roots: list[Callable[..., Any]] = [entry.enter, entry.trap, boot.start, resume.begin]
    roots += [trap.enter, trap.handle_kernel_trap, panic.panic]
    return compile_program(roots).link(LINKER_SCRIPT, "" if tree is None else _tree_section(tree))


def _tree_section(tree: bytes) -> str:
    """Assembly for the section `.boot.tree`: the bytes, in whole words."""
    padded = tree.ljust(-(-len(tree) // 8) * 8, b"\0")
    words = (f".8byte {word:#x}" for (word,) in struct.iter_unpack("<Q", padded))
    return "\n".join(['.section .boot.tree, "a", @progbits', *words, ""])
