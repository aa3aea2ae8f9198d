"""gdb for a Pith kernel on QEMU: `pith threads`, `pith caps`, whatever else `pith inspect` shows; capabilities as what they are.

    (gdb) source .../pith/lab/gdb_commands.py
    (gdb) pith threads
    (gdb) pith all --html system.html

    (gdb) print *thread
    ... vspace_root = PageTableCap = {physical = ...}

This file runs inside gdb, whose Python need not have Pith installed: the commands write the machine's memory to a file,
and have the command `pith inspect` read it (`set pith-command`, if it is not on PATH). QEMU writes memory fast when asked
through its monitor; another stub is asked for it piece by piece, through the kernel's window.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gdb  # type: ignore[import-untyped]  # only gdb has it

# mypy: disallow-subclassing-any=False

MEMORY_BASE = 0x8000_0000
WINDOW_BASE = 0xFFFF_FFC0_0000_0000
PIECE = 1 << 20
UNION_TAG = "tag"  # as the compiler's debug_info.py names it
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class MemoryParameter(gdb.Parameter):
    """How much memory the machine has: 128M, as `pith boot` gives it, unless set."""

    set_doc = "Set the size of the machine's memory, such as 128M."
    show_doc = "Show the size of the machine's memory."

    def __init__(self) -> None:
        super().__init__("pith-memory", gdb.COMMAND_DATA, gdb.PARAM_STRING)
        self.value = "128M"

    def get_set_string(self) -> str:
        return f"pith reads {self.value} from {MEMORY_BASE:#x} on."


class CommandParameter(gdb.Parameter):
    """The command that inspects a dump."""

    set_doc = "Set the command `pith`, such as .venv/bin/pith."
    show_doc = "Show the command `pith`."

    def __init__(self) -> None:
        super().__init__("pith-command", gdb.COMMAND_DATA, gdb.PARAM_STRING)
        self.value = "pith"

    def get_set_string(self) -> str:
        return f"pith is run as `{self.value}`."


class PithCommand(gdb.Command):
    """Show the kernel's objects: pith [threads|caps|derivation|spaces|queues|time|all] [--check] [--html FILE]"""

    subjects = ("threads", "caps", "derivation", "spaces", "queues", "time", "all")

    def __init__(self) -> None:
        super().__init__("pith", gdb.COMMAND_DATA)

    def complete(self, text: str, word: str) -> list[str]:
        return [subject for subject in self.subjects if subject.startswith(word)]

    def invoke(self, argument: str, from_tty: bool) -> None:
        kernel = kernel_file()
        with tempfile.TemporaryDirectory(prefix="pith-gdb-") as directory:
            dump = Path(directory, "memory")
            write_memory(dump, memory_size())
            command = [*shlex.split(gdb.parameter("pith-command")), "inspect", str(dump), *argument.split()]
            try:
                done = subprocess.run([*command, "--kernel", kernel], capture_output=True, text=True)
            except OSError as error:
                raise gdb.GdbError(
                    f"{command[0]}: {error.strerror}; set pith-command to where it is"
                ) from None
        gdb.write(done.stdout)
        gdb.write(done.stderr, gdb.STDERR)


def kernel_file() -> str:
    """The ELF that gdb was given; `pith inspect` says so if it is no kernel."""
    name = gdb.current_progspace().filename
    if name is None:
        raise gdb.GdbError("gdb has no kernel: start it with the kernel's ELF, or name that with `file`")
    return str(name)


def memory_size() -> int:
    text = gdb.parameter("pith-memory").strip().upper()
    try:
        return int(text[:-1]) * UNITS[text[-1]] if text[-1:] in UNITS else int(text, 0)
    except ValueError:
        raise gdb.GdbError(f"pith-memory is `{text}`, which is no size: set pith-memory 128M") from None


def write_memory(file: Path, size: int) -> None:
    """Write physical memory to a file: by QEMU itself, or read through the kernel's window."""
    try:
        gdb.execute(f'monitor pmemsave {MEMORY_BASE:#x} {size:#x} "{file}"', to_string=True)
        if file.exists() and file.stat().st_size == size:
            return
    except gdb.error:
        pass  # not QEMU
    inferior, start = gdb.selected_inferior(), WINDOW_BASE + MEMORY_BASE
    with file.open("wb") as out:
        try:
            for offset in range(0, size, PIECE):
                out.write(bytes(inferior.read_memory(start + offset, min(PIECE, size - offset))))
        except gdb.error as error:
            raise gdb.GdbError(f"memory cannot be read: {error}; has the kernel started?") from None


class PackedUnionPrinter:
    """A value of a union of packed classes: the one that its tag says, instead of all of them."""

    def __init__(self, value: gdb.Value) -> None:
        self.value = value
        self.kind = str(value[UNION_TAG])

    def is_known(self) -> bool:
        return any(field.name == self.kind for field in self.value.type.fields())

    def to_string(self) -> str:
        return self.kind if self.is_known() else f"no kind has the tag {int(self.value[UNION_TAG])}"

    def children(self) -> Iterator[tuple[str, gdb.Value]]:
        if self.is_known():
            chosen = self.value[self.kind]
            for field in chosen.type.fields():
                yield field.name, chosen[field]


def packed_union_printer(value: gdb.Value) -> PackedUnionPrinter | None:
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_UNION and kind.fields() and kind.fields()[0].name == UNION_TAG:
        return PackedUnionPrinter(value)
    return None


gdb.pretty_printers.append(packed_union_printer)
MemoryParameter()
CommandParameter()
PithCommand()
