"""ELF files: what is loaded from one, and every way in which one can be unfit, in words.

Only statically linked riscv64 executables matter here, and of those only the header and the program headers (ELF-64 Object
File Format 1.5, and the RISC-V psABI).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pith import UserError

HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER: Final = struct.Struct("<IIQQQQQQ")
MAGIC: Final = b"\x7fELF"
CLASS_64, LITTLE_ENDIAN = 2, 1
EXECUTABLE, SHARED = 2, 3
RISCV: Final = 243
LOAD, NOTE = 1, 4
READ_WRITE_EXECUTE: Final = 7
DOUBLE_FLOAT_AND_COMPRESSED: Final = 5  # e_flags
MACHINES: Final = {
    2: "SPARC", 3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "ARM", 43: "SPARC V9",
    62: "x86-64", 183: "AArch64", 258: "LoongArch",
}  # fmt: skip
ORDERS: Final[dict[int, Literal["little", "big"]]] = {LITTLE_ENDIAN: "little", 2: "big"}
BUILD_FOR_RISCV: Final = "build it for riscv64, and statically: pith build FILE.c -o FILE.elf"


class Segment(NamedTuple):
    """A part to load: `data`, then zeros up to `size` bytes."""

    virtual: int
    physical: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        return self.virtual + self.size


class Elf(NamedTuple):
    """What an executable says: where to begin, what to load, and its notes."""

    path: Path
    entry: int
    segments: tuple[Segment, ...]
    notes: tuple[bytes, ...]


def read(path: Path) -> Elf:
    """Read an executable. Raises UserError naming what is wrong with it."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is no regular file", "name an ELF file that can be read")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "name an ELF file that can be read") from None
    if not content.startswith(MAGIC):
        is_source = path.suffix in (".py", ".c")
        raise UserError(f"{path} is not an ELF file", f"pith run {path}" if is_source else BUILD_FOR_RISCV)
    if len(content) < HEADER.size:
        raise broken(path, "its header is cut off")
    _check_processor(path, content)
    _, kind, _, _, entry, table_at, _, _, _, entry_size, count, *_ = HEADER.unpack_from(content)
    if kind != EXECUTABLE:
        what = "a position-independent program or library" if kind == SHARED else "an object file"
        raise UserError(f"{path} is {what}, not an executable", "link it at a fixed address: -static -no-pie")
    if count == 0 or entry_size != PROGRAM_HEADER.size or table_at + count * entry_size > len(content):
        raise broken(path, "its program headers are missing or cut off")
    headers = [PROGRAM_HEADER.unpack_from(content, table_at + index * entry_size) for index in range(count)]
    segments = tuple(_segment(path, content, header) for header in headers if header[0] == LOAD and header[6])
    notes = tuple(content[header[2] : header[2] + header[5]] for header in headers if header[0] == NOTE)
    elf = Elf(path, entry, tuple(sorted(segments)), notes)
    _check_segments(elf)
    return elf


def _check_processor(path: Path, content: bytes) -> None:
    """Refuse what was built for any other processor than a little-endian riscv64."""
    width, order = {1: 32, CLASS_64: 64}.get(content[4]), ORDERS.get(content[5])
    if width is None or order is None:
        raise broken(path, "its header names no known class or byte order")
    machine = int.from_bytes(content[18:20], order)
    if (machine, width, order) == (RISCV, 64, "little"):
        return
    name = f"riscv{width}" if machine == RISCV else MACHINES.get(machine, f"machine number {machine}")
    built_for = f"big-endian {name}" if order == "big" else name
    ours = "riscv64, which is little-endian" if order == "big" else "riscv64"
    raise UserError(f"{path} was built for {built_for}, not for {ours}", BUILD_FOR_RISCV)


def _segment(path: Path, content: bytes, header: tuple[int, ...]) -> Segment:
    _, _, offset, virtual, physical, file_size, memory_size, _ = header
    if offset + file_size > len(content):
        raise broken(path, f"the part for address {virtual:#x} is cut off")
    if file_size > memory_size or virtual + memory_size > 1 << 64:
        raise broken(path, f"the part for address {virtual:#x} has an impossible size")
    return Segment(virtual, physical, content[offset : offset + file_size], memory_size)


def _check_segments(elf: Elf) -> None:
    if not elf.segments:
        raise broken(elf.path, "it has nothing to load")
    for lower, upper in zip(elf.segments, elf.segments[1:], strict=False):
        if lower.end > upper.virtual:
            raise broken(elf.path, f"two parts overlap at address {upper.virtual:#x}")
    if not any(segment.virtual <= elf.entry < segment.end for segment in elf.segments):
        raise broken(elf.path, f"it begins at {elf.entry:#x}, where nothing is loaded")


def broken(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is a broken ELF file: {reason}", "build it again, or copy it again")


def write(entry: int, segments: list[Segment], note: Segment) -> bytes:
    """The bytes of an executable. `note` is a part of the first segment that holds the file's one note."""
    count = len(segments) + 1
    position = _whole_pages(HEADER.size + count * PROGRAM_HEADER.size)
    note_at = position + note.virtual - segments[0].virtual
    headers = PROGRAM_HEADER.pack(NOTE, 4, note_at, note.virtual, note.physical, note.size, note.size, 4)
    bodies = b""
    for part in segments:
        sizes = (len(part.data), part.size, 4096)
        headers += PROGRAM_HEADER.pack(
            LOAD, READ_WRITE_EXECUTE, position + len(bodies), part.virtual, part.physical, *sizes
        )
        bodies += part.data.ljust(_whole_pages(len(part.data)), b"\0")
    identity = MAGIC + bytes([CLASS_64, LITTLE_ENDIAN, 1]) + bytes(9)
    sizes_of_tables = (HEADER.size, PROGRAM_HEADER.size, count, 0, 0, 0)
    header = HEADER.pack(
        identity, EXECUTABLE, RISCV, 1, entry, HEADER.size, 0, DOUBLE_FLOAT_AND_COMPRESSED, *sizes_of_tables
    )
    return (header + headers).ljust(position, b"\0") + bodies


def _whole_pages(size: int) -> int:
    return -(-size // 4096) * 4096
