"""A dump of physical memory, as the memory that the kernel's objects are read from.

The objects are found through the kernel's statics, and those through the symbols of the kernel's ELF: a static at
virtual address v lies at physical v - 0xffffffff00000000, and is read through the window like everything else. The dump is
mapped privately: nothing that is done here changes the file.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from pith import UserError
from pith.kernel import state
from pith.kernel.objects import Slot
from pith.kernel.riscv64.window import IMAGE_OFFSET, WINDOW_BASE
from pith.metal import Struct, memory, size_of

MEMORY_BASE: Final = 0x8000_0000
STATICS: dict[str, Struct] = {
    "pith.kernel.state.kernel": state.kernel,
    "pith.kernel.state.interrupts": state.interrupts,
}


def attach_dump(dump: Path, kernel: Path, base: int = MEMORY_BASE) -> None:
    """Make the dump, whose first byte is physical address `base`, the attached memory."""
    symbols = static_symbols(kernel)
    memory.attach(_map(dump), WINDOW_BASE + base)
    for name, instance in STATICS.items():
        physical = symbols[name] - IMAGE_OFFSET
        if not base <= physical < base + memory.size:
            raise UserError(
                f"{kernel.name} has `{name}` at physical {physical:#x}, which {dump.name} does not reach",
                f"dump the memory from {base:#x} on, all of it: pmemsave {base:#x} SIZE FILE in QEMU's monitor",
            )
        instance._place(WINDOW_BASE + physical)
    _recognise_slots_in_the_image(symbols["pith.kernel.state.interrupts"])
    if state.kernel.idle is None:
        raise UserError(
            f"no kernel has started in {dump.name}, or not {kernel.name}",
            "name the ELF of the kernel that ran when the memory was dumped",
        )


def _recognise_slots_in_the_image(address: int) -> None:
    """Let references to the interrupt table's slots lead to them.

    They are the only objects in the kernel's image that others refer to, and do so by the image's addresses, which
    are not the window's.
    """
    for index in range(state.IRQ_COUNT):
        Slot._instances[address + index * size_of(Slot)] = state.interrupts.slots[index]


def _map(dump: Path) -> mmap.mmap:
    """The file as private memory; whole words of it."""
    try:
        with dump.open("rb") as file:
            size = dump.stat().st_size // 4096 * 4096
            if size == 0:
                raise UserError(
                    f"{dump} is too short for a machine's memory", "name a file that pmemsave wrote"
                )
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise UserError(f"{dump}: {error.strerror}", "name a file that pmemsave wrote") from None


def static_symbols(kernel: Path) -> dict[str, int]:
    """The virtual addresses of the kernel's statics."""
    found: dict[str, int] = {}
    try:
        with kernel.open("rb") as file:
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
