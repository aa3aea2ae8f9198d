"""From what the user names to the ELF of a kernel.

That is Pith's own, built here; or the ELF of any kernel with seL4 16's interface; or a boot image of such a kernel
as its own build makes it. Those images carry their kernel in a cpio archive ("new ASCII" format), under the
name `kernel.elf`, so it can be taken out and started with our program.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError

ELF_MAGIC: Final = b"\x7fELF"
# Magic, thirteen numbers of eight hexadecimal digits, the name; header and name together fill whole words.
CPIO_HEADER: Final = re.compile(rb"070701([0-9A-Fa-f]{8}){13}kernel\.elf\0")
HEADER_BYTES, SIZE_FIELD, NAME_SIZE_FIELD = 110, 6, 11


class Kernel(NamedTuple):
    """A kernel's ELF, and what to call it in a table."""

    name: str
    elf: Path


def own_kernel() -> Kernel:
    """Pith's kernel without debug calls, as the peer is measured."""
    from pith.kernel import debug
    from pith.system.kernel import build_kernel, set_debugging

    before = debug.DEBUG
    set_debugging(False)
    try:
        return Kernel("Pith", build_kernel())
    finally:
        set_debugging(before)


def named_kernel(path: Path, directory: Path) -> Kernel:
    """The kernel in a file; what has to be unpacked is put into `directory`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", "name a kernel's ELF or its boot image") from None
    archived = archived_kernel(content)
    if archived is not None:
        unpacked = directory / f"{path.name}.kernel.elf"
        unpacked.write_bytes(archived)
        return Kernel(path.name, unpacked)
    if content.startswith(ELF_MAGIC):
        return Kernel(path.name, path)
    raise UserError(f"{path} holds no kernel", "name a kernel's ELF, or a boot image as its build makes it")


def archived_kernel(content: bytes) -> bytes | None:
    """The file `kernel.elf` of the first cpio archive that has one."""
    for header in CPIO_HEADER.finditer(content):
        start = header.start()
        size, name_size = (_number(content, start, field) for field in (SIZE_FIELD, NAME_SIZE_FIELD))
        begin = start + _whole_words(HEADER_BYTES + name_size)
        if content[begin : begin + len(ELF_MAGIC)] == ELF_MAGIC:
            return content[begin : begin + size]
    return None


def _number(content: bytes, header: int, field: int) -> int:
    at = header + len(b"070701") + 8 * field
    return int(content[at : at + 8], 16)


def _whole_words(size: int) -> int:
    return -(-size // 4) * 4
