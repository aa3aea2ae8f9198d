"""A dump of physical memory, as the memory that the kernel's objects are read from.

A dump is an ELF core file (core_file.py) or the bare bytes, as QEMU's monitor writes them. The objects are found through the kernel's statics, and those through the symbols of the kernel's ELF: a static at
virtual address v lies at physical v - 0xffffffff00000000, and is read through the window like everything else. The dump is
mapped privately: nothing that is done here changes the file.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import BinaryIO, Final

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from pith import UserError
from pith.kernel import state
from pith.kernel.objects import Slot
from pith.kernel.riscv64.window import IMAGE_OFFSET, WINDOW_BASE
from pith.machine.board import MEMORY_BASE
from pith.machine.elf import MAGIC
from pith.metal import Struct, memory, size_of

WHAT_TO_NAME: Final = "name a file that `pith boot --dump` wrote, or pmemsave in QEMU's monitor"
STATICS: dict[str, Struct] = {
    "pith.kernel.state.kernel": state.kernel,
    "pith.kernel.state.interrupts": state.interrupts,
}


def attach_dump(dump: Path, kernel: Path | None = None) -> None:
    """Make the dump the attached memory. `kernel` is the ELF of the kernel that ran, if the dump does not tell itself."""
    symbols = static_symbols(kernel or dump)
    base, content = _map(dump)
    memory.attach(content, WINDOW_BASE + base)
    for name, instance in STATICS.items():
        physical = symbols[name] - IMAGE_OFFSET
        if not base <= physical < base + memory.size:
            raise UserError(
                f"{(kernel or dump).name} has `{name}` at physical {physical:#x}, which {dump.name} does not reach",
                f"dump the memory from {base:#x} on, all of it: pmemsave {base:#x} SIZE FILE in QEMU's monitor",
            )
        instance._place(WINDOW_BASE + physical)
    _recognise_slots_in_the_image(symbols["pith.kernel.state.interrupts"])
    if state.kernel.idle is None:
        raise UserError(
            f"no kernel has started in {dump.name}" + (f", or not {kernel.name}" if kernel else ""),
            "name the ELF of the kernel that ran when the memory was dumped"
            if kernel
            else "dump it when the kernel has started",
        )


def living_symbols() -> dict[str, int]:
    """The statics of the kernel that runs here, as Python, at the addresses that a compiled one would have them at."""
    return {name: instance.address - WINDOW_BASE + IMAGE_OFFSET for name, instance in STATICS.items()}


def _recognise_slots_in_the_image(address: int) -> None:
    """Let references to the interrupt table's slots lead to them.

    They are the only objects in the kernel's image that others refer to, and do so by the image's addresses, which
    are not the window's.
    """
    for index in range(state.IRQ_COUNT):
        Slot._instances[address + index * size_of(Slot)] = state.interrupts.slots[index]


def _map(dump: Path) -> tuple[int, mmap.mmap]:
    """The physical address of the memory, and the memory itself, private; whole pages of it."""
    try:
        with dump.open("rb") as file:
            base, offset, size = _memory_in(dump, file)
            size = min(size, dump.stat().st_size - offset) // 4096 * 4096
            if size <= 0:
                raise UserError(f"{dump} is too short for a machine's memory", WHAT_TO_NAME)
            return base, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY, offset=offset)
    except OSError as error:
        raise UserError(f"{dump}: {error.strerror}", WHAT_TO_NAME) from None


def _memory_in(dump: Path, file: BinaryIO) -> tuple[int, int, int]:
    """Physical address, place in the file, and size of the memory."""
    if not is_elf(dump):
        return MEMORY_BASE, 0, dump.stat().st_size
    segments = [part for part in ELFFile(file).iter_segments() if part["p_type"] == "PT_LOAD"]
    if ELFFile(file)["e_type"] != "ET_CORE" or not segments:
        raise UserError(f"{dump} is a program, not a dump of memory", WHAT_TO_NAME)
    largest = max(segments, key=lambda part: part["p_filesz"])
    if dump.stat().st_size < largest["p_offset"] + largest["p_filesz"]:
        raise UserError(
            f"{dump} is cut short: memory is missing at its end", "write it, or copy it, once more"
        )
    return largest["p_paddr"], largest["p_offset"], largest["p_filesz"]


def is_elf(file: Path) -> bool:
    """Whether the file says of itself what it is; raw memory does not."""
    with file.open("rb") as content:
        return content.read(len(MAGIC)) == MAGIC


def static_symbols(kernel: Path) -> dict[str, int]:
    """The virtual addresses of the kernel's statics."""
    found: dict[str, int] = {}
    try:
        with kernel.open("rb") as file:
            if (machine := ELFFile(file).get_machine_arch()) != "RISC-V":
                raise UserError(
                    f"{kernel} is for {machine}, not for riscv64",
                    "name the kernel's ELF, or a dump of its memory",
                )
            for section in ELFFile(file).iter_sections():
                if isinstance(section, SymbolTableSection):
                    found |= {s.name: s["st_value"] for s in section.iter_symbols() if s.name in STATICS}
    except OSError as error:
        raise UserError(f"{kernel}: {error.strerror}", "name the kernel's ELF") from None
    except ELFError as error:
        raise UserError(f"{kernel} is no ELF file: {error}", "name the kernel's ELF") from None
    missing = STATICS.keys() - found.keys()
    if missing:
        raise UserError(
            f"{kernel} has no symbol `{min(missing)}`", "name the kernel's ELF as it was linked, not stripped"
        )
    return found
