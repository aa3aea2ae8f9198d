"""Archives of programs: how components travel inside the initial thread's image.

The layout is read by runtime/archive.py. The archive is handed to the assembler as text that includes the files, so that
it becomes a section like any other, under the symbol `pith_archive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pith import UserError
from pith.metal import size_of
from pith.runtime.archive import MAGIC, NAME_BYTES, Directory, Entry
from pith.runtime.elf import SEGMENT_BYTES

ALIGNMENT = 4096
SYMBOL = "pith_archive"  # runtime/archive.py names it


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files. Raises UserError for a name that does not fit."""
    start = size_of(Directory) + len(files) * size_of(Entry)
    directory = MAGIC.to_bytes(8, "little") + len(files).to_bytes(8, "little")
    body = b""
    for name, content in files.items():
        encoded = name.encode()
        if not 0 < len(encoded) < NAME_BYTES:
            raise UserError(f"`{name}` cannot be the name of a program", f"1 to {NAME_BYTES - 1} bytes")
        body += bytes(-(start + len(body)) % ALIGNMENT)
        offset = start + len(body)
        directory += encoded.ljust(NAME_BYTES, b"\0")
        directory += offset.to_bytes(8, "little") + len(content).to_bytes(8, "little")
        body += content
    whole = directory + body
    return whole + bytes(-len(whole) % 8)


def stripped(elf: bytes) -> bytes:
    """The part of an ELF file that is loaded: no section table, no debug information."""
    table, count = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
    end = table + count * SEGMENT_BYTES
    for at in range(table, end, SEGMENT_BYTES):
        offset, size = (int.from_bytes(elf[at + o : at + o + 8], "little") for o in (8, 32))
        end = max(end, offset + size)
    header = bytearray(elf[:end])
    header[40:48] = bytes(8)  # where the section table is
    header[58:64] = bytes(6)  # the size of an entry, how many, which has the names
    return bytes(header)


def section(archive: Path) -> str:
    """Assembly that puts an archive file into the program."""
    return f"""\
    .section .archive, "a", @progbits
    .balign {ALIGNMENT}
    .globl {SYMBOL}
{SYMBOL}:
    .incbin "{archive}"
"""
