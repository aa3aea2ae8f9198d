"""Building a boot image: loader, kernel and the initial thread's program in one ELF.

`pith.machine.image` says how it is laid out, and reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from pith import UserError
from pith.abi.objects import USER_TOP
from pith.kernel import boot
from pith.machine import board, elf, image
from pith.machine.elf import Elf, Segment
from pith.machine.image import ROOM_FOR_TREE, BootImage, Table
from pith.machine.waiting import STATE_SYMBOL

from . import loader

PAGE: Final = 4096
MASK64: Final = (1 << 64) - 1
RESERVED_FOR_KERNEL: Final = 0x10_0000  # in an image without a compiled kernel: room for its statics
LARGEST_PROGRAM: Final = 1 << 30  # from its first byte to its last; more is a wrong address
SLOTS_BESIDES: Final = (
    256  # of the root CNode: what is in it besides the program's pages and their page tables
)
ENTRIES_OF_TABLE: Final = 512
ARCHIVED_KERNEL: Final = b"kernel.elf\0"  # the name of a file in the archive that seL4's loader carries


def build(output: Path, initial: Path, kernel: Path | None) -> BootImage:
    """Write to `output` the image that starts the executable `initial`; returns it as a machine reads it.

    Without a compiled kernel the image boots on the hosted machine only. Raises UserError for files that are unfit.
    """
    program = elf.read(initial)
    first, last = _check_program(program)
    kernel_parts, kernel_entry, kernel_end = _place_kernel(kernel)
    state = _find_state(kernel)
    if kernel is None or state:
        _check_slots(program.path, last - first)
    start, size = kernel_end + ROOM_FOR_TREE, last - first
    table = Table(
        user_start=start,
        user_end=start + size,
        user_offset=(start - first) & MASK64,
        user_entry=program.entry,
        kernel_entry=kernel_entry,
        tree=kernel_end,
        kernel_start=board.KERNEL_PHYSICAL,
        kernel_end=kernel_end,
        kernel_state=state,
    )
    user = Segment(start, start, _flatten(program, first), size)
    loading = Segment(loader.ADDRESS, loader.ADDRESS, loader.build(table), loader.SIZE)
    note_at = loader.ADDRESS + loader.NOTE_AT
    note = Segment(note_at, note_at, b"", len(table.note()))
    output.write_bytes(elf.write(loader.ADDRESS, [loading, *kernel_parts, user], note))
    return image.read(output)


def _check_program(program: Elf) -> tuple[int, int]:
    """The program's first address and the one behind its last, on whole pages."""
    if image.note_in(program) is not None:
        raise UserError(
            f"{program.path} is a boot image, with a kernel in it",
            "name the ELF of the program that it starts",
        )
    if any(ARCHIVED_KERNEL in part.data for part in program.segments):
        raise UserError(
            f"{program.path} is a boot image of seL4's, a loader with a kernel and a program in it",
            "name the ELF of the program alone: in seL4's builds it is the one beside the images",
        )
    first = program.segments[0].virtual // PAGE * PAGE
    last = _up(program.segments[-1].end)
    if program.segments[0].virtual >= board.WINDOW_OFFSET:
        raise UserError(f"{program.path} is a kernel, not a program", "name the ELF of the program to start")
    if last > USER_TOP:
        raise UserError(
            f"{program.path} wants to be loaded at {program.segments[-1].virtual:#x}, "
            f"and a program's addresses end at {USER_TOP:#x}",
            "link it at a lower address, such as 0x10000",
        )
    content = sum(part.size for part in program.segments)
    if last - first > LARGEST_PROGRAM and content < LARGEST_PROGRAM:
        raise UserError(
            f"{program.path} reaches from {first:#x} to {last:#x}: an initial thread's program is one piece",
            "link its parts next to one another",
        )
    return first, last


def _check_slots(path: Path, size: int) -> None:
    """Each page of an initial thread's program takes a slot of its CNode, in which Pith's kernel leaves room for little else."""
    slots = 1 << boot.ROOT_CNODE_BITS
    most = max(slots - SLOTS_BESIDES - slots // ENTRIES_OF_TABLE, 0)
    if size // PAGE > most:
        raise UserError(
            f"{path} is too large for an initial thread's program: it has {size // PAGE} pages, and its CNode of "
            f"{slots} slots has room for {most}",
            "let it make memory of untypeds when it runs, or boot it with a larger CNode: --root-cnode-bits 16",
        )


def _place_kernel(kernel: Path | None) -> tuple[list[Segment], int, int]:
    """The kernel's parts, its entry, and the first physical page behind it."""
    if kernel is None:
        return [], 0, board.KERNEL_PHYSICAL + RESERVED_FOR_KERNEL
    file = elf.read(kernel)
    parts = [part._replace(virtual=part.virtual - board.KERNEL_OFFSET) for part in file.segments]
    if any(part.virtual != part.physical or part.virtual < board.KERNEL_PHYSICAL for part in parts):
        raise UserError(
            f"{kernel} is not a kernel: a kernel lies at {board.KERNEL_PHYSICAL + board.KERNEL_OFFSET:#x}, "
            f"and at {board.KERNEL_PHYSICAL:#x} in physical memory",
            "for a program: pith boot --initial",
        )
    return parts, file.entry, _up(max(part.end for part in parts))


def _find_state(kernel: Path | None) -> int:
    """The physical address of the state of Pith's kernel; 0 if there is none."""
    if kernel is None:
        return 0
    with kernel.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        found = symbols.get_symbol_by_name(STATE_SYMBOL) if isinstance(symbols, SymbolTableSection) else None
    return found[0]["st_value"] - board.KERNEL_OFFSET if found else 0


def _flatten(program: Elf, first: int) -> bytes:
    """The program's parts as they lie in memory, from address `first`, without the zeros at the end."""
    laid_out = bytearray(max(part.virtual + len(part.data) for part in program.segments) - first)
    for part in program.segments:
        laid_out[part.virtual - first : part.virtual - first + len(part.data)] = part.data
    return bytes(laid_out)


def _up(address: int) -> int:
    return -(-address // PAGE) * PAGE
