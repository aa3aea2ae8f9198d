"""The boot image as a machine sees it: one ELF, and a note in it that says which part is what.

    loader      two pages below the kernel: the code that the firmware jumps to, this note, and a page table
    kernel      from physical 0x80200000; only reserved, if the image was made for the hosted machine alone
    (room)      for the device tree, which the loader brings here
    user image  the initial thread's program, in one piece on whole pages

The note's numbers are the table that the loader itself reads (`pith.system.loader`), so the two cannot disagree. QEMU
loads the whole; the hosted machine leaves out loader and kernel, for there the kernel is Python.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError

from . import board, elf

NOTE_NAME: Final = b"Pith"
NOTE_TYPE: Final = 1
NOTE_HEADER: Final = struct.Struct("<3I8s")
TABLE: Final = struct.Struct("<9Q")
ROOM_FOR_TREE: Final = 0x4000  # QEMU's has five and a half kilobytes
ROOM_FOR_KERNEL: Final = 0x10_0000  # for the objects that the kernel makes before the initial thread
START_OF_TEXT: Final = 2  # ASCII STX: the loader prints it, so that one knows where the firmware's text ends
MEBIBYTE: Final = 1 << 20


class Table(NamedTuple):
    """What the loader hands to the kernel, then what else a machine wants to know. Addresses are physical."""

    user_start: int
    user_end: int
    user_offset: int  # physical minus virtual, modulo 2**64
    user_entry: int  # virtual
    kernel_entry: int  # virtual; 0 if there is no kernel in the image
    tree: int  # where the loader puts the device tree
    kernel_start: int
    kernel_end: int
    kernel_state: int = 0  # where Pith's kernel keeps what it remembers; 0 for others, and without a kernel

    def note(self) -> bytes:
        """The ELF note that carries it; the table begins at its byte 20."""
        return NOTE_HEADER.pack(len(NOTE_NAME) + 1, TABLE.size, NOTE_TYPE, NOTE_NAME) + TABLE.pack(*self)


class BootImage(NamedTuple):
    """A boot image that was read from a file."""

    path: Path
    table: Table
    segments: tuple[elf.Segment, ...]

    @property
    def user_data(self) -> bytes:
        """The user image, without the zeros at its end."""
        return next(part.data for part in self.segments if part.physical == self.table.user_start)

    def check_fits(self, memory_size: int) -> None:
        """Raise UserError if the image is too large for a machine with so much memory."""
        needed = self.table.user_end + ROOM_FOR_KERNEL
        if needed > board.device_tree_address(memory_size, ROOM_FOR_TREE):
            least = needed - board.MEMORY_BASE + board.DEVICE_TREE_ALIGNMENT + ROOM_FOR_TREE
            ends = -(-needed // MEBIBYTE) - board.MEMORY_BASE // MEBIBYTE
            raise UserError(
                f"{self.path.name} is too large: it needs {ends} MiB, "
                f"and the machine has {memory_size // MEBIBYTE} MiB with the firmware's device tree at the end",
                f"give the machine more memory: --memory {-(-least // (64 * MEBIBYTE)) * 64}M",
            )


def read(path: Path) -> BootImage:
    """Read a boot image. Raises UserError for a file that is none."""
    file = elf.read(path)
    table = note_in(file)
    if table is None:
        raise UserError(
            f"{path} is not a boot image of Pith's", f"for a program's ELF: pith boot --initial {path}"
        )
    return BootImage(path, table, file.segments)


def note_in(file: elf.Elf) -> Table | None:
    """What the note of a boot image says; None in a file that is none."""
    for note in file.notes:
        if len(note) == NOTE_HEADER.size + TABLE.size:
            name_size, table_size, kind, name = NOTE_HEADER.unpack_from(note)
            if (name_size, table_size, kind, name.rstrip(b"\0")) == (5, TABLE.size, NOTE_TYPE, NOTE_NAME):
                return Table._make(TABLE.unpack_from(note, NOTE_HEADER.size))
    return None
