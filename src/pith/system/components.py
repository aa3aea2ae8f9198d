"""Building a user program: metal Python or C in, an ELF file out.

Every program is laid out by one linker script: code, constants and data each on pages of their own, so that the
loader can give them different rights, from a low address on; the stack last, behind a gap. What was built before from the same sources is not built again:
the compiler's cache keeps it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pith.runtime
from pith import UserError
from pith.metal.compiler import cache
from pith.metal.compiler.driver import compile_program, exported_functions
from pith.metal.compiler.link import USER, ToolError, link
from pith.metal.compiler.reader import import_file
from pith.runtime import debug, panic, start

from . import archive

MAIN_SYMBOL = "pith_main"
IMAGE_ADDRESS = 0x10000
INCLUDE = Path(pith.runtime.__file__).parent / "include"
C_START = INCLUDE / "start.c"
C_OPTIONS = [
    "-target", "riscv64-freestanding", f"-mcpu={USER.features}", f"-mabi={USER.abi}", "-mcmodel=medany",
    "-std=c17", "-O2", "-g", "-Wall", "-Wextra", "-ffreestanding", "-fno-pic", "-fno-sanitize=all",
    "-ffunction-sections", "-fdata-sections",
]  # fmt: skip

LINKER_SCRIPT = f"""\
ENTRY(_start)
PHDRS
{{
    text PT_LOAD FLAGS(5);
    constants PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    stack PT_LOAD FLAGS(6);
}}
SECTIONS
{{
    . = {IMAGE_ADDRESS:#x};
    .text : {{ KEEP(*(.text.start)) *(.text .text.*) }} :text
    . = ALIGN(4096);
    .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} :constants
    .archive : {{ KEEP(*(.archive)) }} :constants
    . = ALIGN(4096);
    .data : {{ *(.data .data.*) }} :data
    .sdata : {{ __global_pointer$ = . + 0x800; *(.sdata .sdata.*) }} :data
    .bss (NOLOAD) : {{ *(.sbss .sbss.* .bss .bss.* COMMON) }} :data
    . = ALIGN(4096) + 4096;
    .stack (NOLOAD) : {{ KEEP(*(.stack)) }} :stack
    /DISCARD/ : {{ *(.eh_frame .eh_frame_hdr .comment .riscv.attributes .note.*) }}
}}
"""


def expect_debugging(expected: bool) -> None:
    """Whether programs that are built from now on are for kernels with debug calls."""
    vars(debug)["EXPECTED"] = expected  # a constant of the runtime's, and as such a part of what is compiled


def build_program(path: Path) -> Path:
    """The ELF of the program in this file. Raises UserError, with what to mend."""
    path = path.resolve()
    if path.suffix == ".c":
        return build_c(path)
    return build_python(path)


def build_python(path: Path, assembly: str = "") -> Path:
    """The ELF of a program in metal Python, with extra assembly linked in."""
    exported = exported_functions(import_file(path))
    if not any(f.__dict__["__metal_export__"] == MAIN_SYMBOL for f in exported):
        raise UserError(
            f"{path} has no function that is exported as `{MAIN_SYMBOL}`",
            f'@export("{MAIN_SYMBOL}") before `def main(info: BootInfo) -> None:`; see examples/hello.py',
        )
    roots: list[Callable[..., Any]] = [start.start, start.prepare, start.finish, panic.panic, *exported]
    try:
        return compile_program(roots, target=USER).link(LINKER_SCRIPT, assembly)
    except ToolError as error:
        if not assembly and f"undefined symbol: {archive.SYMBOL}" in str(error):
            raise UserError(
                f"{path} starts other programs, and none was named with it", f"name them: {path.name} FILE…"
            ) from None
        raise UserError(f"{path} cannot be linked: {error}", "mend what is named above") from None


def build_files(files: Sequence[Path]) -> Path:
    """The ELF of a system: the first file is the initial thread's program, which finds each of the others by its stem.

    Raises UserError for two components of one name, or a first file in C with others behind it.
    """
    initial, *others = files
    if not others:
        return build_program(initial)
    if initial.suffix == ".c":
        raise UserError(
            f"{initial} is in C, and starting other programs takes pith.runtime",
            "name a program in metal Python first",
        )
    components: dict[str, Path] = {}
    for file in others:
        earlier = components.setdefault(file.stem, file)
        if earlier is not file:
            raise UserError(f"{earlier} and {file} would both be called `{file.stem}`", "rename one of them")
    return build_system(initial, components)


def build_system(initial: Path, components: Mapping[str, Path]) -> Path:
    """The ELF of an initial thread with other programs in it, which it finds by name (runtime/archive.py)."""
    packed = archive.pack(
        {name: archive.stripped(build_program(path).read_bytes()) for name, path in components.items()}
    )
    key = "archive." + hashlib.sha256(packed).hexdigest()[:32]
    directory, _ = cache.kept(key, lambda fresh: write_file(fresh / "archive", packed))
    return build_python(initial.resolve(), archive.section(directory / "archive"))


def write_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def build_c(path: Path) -> Path:
    """The ELF of a program in C."""
    inputs = [path, *sorted(path.parent.glob("*.h")), *sorted(INCLUDE.iterdir())]
    digest = hashlib.sha256(repr((path, C_OPTIONS, LINKER_SCRIPT, version("ziglang"))).encode())
    for file in inputs:
        digest.update(file.read_bytes())

    def make(directory: Path) -> None:
        objects = [directory / "program.o", directory / "start.o"]
        for source, compiled in zip((path, C_START), objects, strict=True):
            compile_c(source, compiled)
        try:
            link(objects, directory / "program.elf", LINKER_SCRIPT, USER)
        except ToolError as error:
            raise UserError(f"{path} cannot be linked: {error}", "define what is named above") from None

    return cache.kept(f"c.{digest.hexdigest()[:32]}", make)[0] / "program.elf"


def compile_c(source: Path, output: Path) -> None:
    """An object from a C file. Raises UserError with what clang says."""
    files = [f"-I{INCLUDE}", "-c", str(source), "-o", str(output)]
    command = [sys.executable, "-m", "ziglang", "cc", *C_OPTIONS, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{source} does not compile:\n{done.stderr.strip()}", "mend what clang names above")
