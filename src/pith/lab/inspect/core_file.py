"""The file that `pith boot --dump` writes: a machine's memory, and where in it the kernel's statics are.

An ELF core file: one segment, the physical memory, and a symbol table with the statics at the addresses that a compiled kernel has
them at. So it needs no other file beside it, whether the kernel ran as Python or compiled. Memory that is zero takes
no room on disk.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Final

from pith import UserError
from pith.machine import Machine
from pith.machine.board import MEMORY_BASE, WINDOW_OFFSET
from pith.machine.elf import (
    CLASS_64,
    HEADER,
    LITTLE_ENDIAN,
    LOAD,
    MAGIC,
    PROGRAM_HEADER,
    READ_WRITE_EXECUTE,
    RISCV,
)

CORE: Final = 4  # the type of the file
SYMBOL_TABLE, STRING_TABLE = 2, 3
GLOBAL_OBJECT: Final = 0x11
ABSOLUTE: Final = 0xFFF1  # the section of a symbol that is in none
SECTION: Final = struct.Struct("<IIQQQQIIQQ")
SYMBOL: Final = struct.Struct("<IBBHQQ")
NAMES: Final = b"\0.symtab\0.strtab\0"
MEMORY_AT: Final = 4096  # of the file
PIECE: Final = 1 << 22


def write_core(file: Path, machine: Machine, symbols: dict[str, int]) -> None:
    """Write the machine's memory; `symbols` are the statics' addresses. The machine stands still, and has not ended.

    What the file held before is there until all of the new is.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            _write(out, machine, symbols)
        part.replace(file)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", "name a file that can be written") from None
    finally:
        part.unlink(missing_ok=True)


def _write(out: BinaryIO, machine: Machine, symbols: dict[str, int]) -> None:
    out.write(headers(machine.memory_size, symbols))
    for offset in range(0, machine.memory_size, PIECE):
        piece = machine.read_memory(MEMORY_BASE + offset, min(PIECE, machine.memory_size - offset))
        if any(piece):
            out.seek(MEMORY_AT + offset)
            out.write(piece)
    out.truncate(MEMORY_AT + machine.memory_size)


def headers(memory_size: int, symbols: dict[str, int]) -> bytes:
    """All that stands before the memory: header, one segment, symbols, three sections."""
    text, table = b"\0", SYMBOL.pack(0, 0, 0, 0, 0, 0)
    for name, address in symbols.items():
        table += SYMBOL.pack(len(text), GLOBAL_OBJECT, 0, ABSOLUTE, address, 8)
        text += name.encode() + b"\0"
    table_at = HEADER.size + PROGRAM_HEADER.size
    text_at = table_at + len(table)
    names_at = text_at + len(text)
    sections_at = names_at + len(NAMES)
    sections = SECTION.pack(*[0] * 10)
    sections += SECTION.pack(1, SYMBOL_TABLE, 0, 0, table_at, len(table), 2, 1, 8, SYMBOL.size)
    sections += SECTION.pack(9, STRING_TABLE, 0, 0, text_at, len(text), 0, 0, 1, 0)
    sections += SECTION.pack(9, STRING_TABLE, 0, 0, names_at, len(NAMES), 0, 0, 1, 0)
    identity = MAGIC + bytes([CLASS_64, LITTLE_ENDIAN, 1]) + bytes(9)
    sizes = (HEADER.size, PROGRAM_HEADER.size, 1, SECTION.size, 4, 3)
    header = HEADER.pack(identity, CORE, RISCV, 1, 0, HEADER.size, sections_at, 0, *sizes)
    where = (MEMORY_AT, MEMORY_BASE + WINDOW_OFFSET, MEMORY_BASE, memory_size, memory_size, MEMORY_AT)
    segment = PROGRAM_HEADER.pack(LOAD, READ_WRITE_EXECUTE, *where)
    content = header + segment + table + text + NAMES + sections
    assert len(content) <= MEMORY_AT
    return content.ljust(MEMORY_AT, b"\0")
