"""Building a user program: metal Python or C in, an ELF file out.

Every program is laid out by one linker script: the stack, then code, constants and data, each on pages of their own, so that
whoever loads it can give them different rights. The stack is the lowest, with nothing below it: whatever grows out of it, by a small
step or by a frame larger than the stack itself, meets addresses that are never mapped, and none of the program's data.
What was built before from the same sources is not built again: the compiler's cache keeps it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pith.runtime
from pith import UserError
from pith.metal.compiler import cache, zig
from pith.metal.compiler.driver import compile_program, exported_functions
from pith.metal.compiler.link import USER, link
from pith.metal.compiler.reader import import_file
from pith.metal.compiler.zig import ToolError
from pith.runtime import debug, panic, start

from . import archive, clang_hints

MAIN_SYMBOL = "pith_main"
IMAGE_ADDRESS = 0x10000
INCLUDE = Path(pith.runtime.__file__).parent / "include"
C_START = INCLUDE / "start.c"
WARNINGS = "warnings.txt"
C_OPTIONS = [
    "-target", "riscv64-freestanding", f"-mcpu={USER.features}", f"-mabi={USER.abi}", "-mcmodel=medany",
    "-std=c17", "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-ffreestanding", "-fno-pic", "-fno-sanitize=all",
    "-ffunction-sections", "-fdata-sections",
    "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",  # frames are told to debuggers alone
]  # fmt: skip

STACK_BYTES = 32 * 1024  # where neither the program nor its caller says more
MOST_STACK_BYTES = 1 << 30
# A program in C says it with PITH_STACK_BYTES (pith.h), which defines a symbol; one in metal Python with a constant of that name.
STACK_OF_ITS_OWN = f"(DEFINED(pith_stack_bytes) ? ALIGN(pith_stack_bytes, 4096) : {STACK_BYTES})"
STACK_CONSTANT = "STACK_BYTES"

# The symbols that begin with pith_ are the borders at which runtime/start.py and start.c change the rights.
LINKER_SCRIPT = """\
ENTRY(_start)
PHDRS
{
    stack PT_LOAD FLAGS(6);
    text PT_LOAD FLAGS(5);
    constants PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
}
SECTIONS
{
    . = IMAGE_ADDRESS;
    pith_stack_bottom = .;
    .stack (NOLOAD) : { . += STACK_BYTES; } :stack
    pith_stack_top = .;
    .text : { KEEP(*(.text.start)) *(.text .text.*) } :text
    . = ALIGN(4096);
    pith_constants = .;
    .rodata : { *(.rodata .rodata.* .srodata .srodata.*) } :constants
    .archive : { KEEP(*(.archive)) } :constants
    . = ALIGN(4096);
    pith_data = .;
    .data : { *(.data .data.*) } :data
    .sdata : { __global_pointer$ = . + 0x800; *(.sdata .sdata.*) } :data
    .bss (NOLOAD) : { *(.sbss .sbss.* .bss .bss.* COMMON) } :data
    pith_image_end = .;
    /DISCARD/ : { *(.eh_frame .eh_frame_hdr .comment .riscv.attributes .note.*) }
}
"""


def linker_script(stack: int | None) -> str:
    """The layout of a program with a stack of so many bytes, on whole pages; None leaves it to the program.

    Raises UserError for a size that no stack can have.
    """
    if stack is not None and not (isinstance(stack, int) and 0 < stack <= MOST_STACK_BYTES):
        raise UserError(f"a stack cannot have {stack!r} bytes", "a number up to 1 GiB, such as --stack 64K")
    size = STACK_OF_ITS_OWN if stack is None else str(-(-stack // 4096) * 4096)
    return LINKER_SCRIPT.replace("IMAGE_ADDRESS", hex(IMAGE_ADDRESS)).replace("STACK_BYTES", size)


def expect_debugging(expected: bool) -> None:
    """Whether programs that are built from now on are for kernels with debug calls."""
    vars(debug)["EXPECTED"] = expected  # a constant of the runtime's, and as such a part of what is compiled


def build_program(path: Path, stack: int | None = None) -> Path:
    """The ELF of the program in this file, with so large a stack, or its own choice. Raises UserError, with what to mend."""
    path = path.resolve()
    if path.suffix == ".c":
        return build_c(path, stack)
    return build_python(path, stack=stack)


def build_python(path: Path, assembly: str = "", stack: int | None = None) -> Path:
    """The ELF of a program in metal Python, with extra assembly linked in."""
    module = import_file(path)
    exported = exported_functions(module)
    if stack is None:
        stack = vars(module).get(STACK_CONSTANT)
    if not any(f.__dict__["__metal_export__"] == MAIN_SYMBOL for f in exported):
        raise UserError(
            f"{path} has no function that is exported as `{MAIN_SYMBOL}`",
            f'@export("{MAIN_SYMBOL}") before `def main(info: BootInfo) -> None:`; see examples/hello.py',
        )
    roots: list[Callable[..., Any]] = [start.start, start.prepare, start.finish, panic.panic, *exported]
    try:
        return compile_program(roots, target=USER).link(linker_script(stack), assembly)
    except ToolError as error:
        if not assembly and f"undefined symbol: {archive.SYMBOL}" in str(error):
            raise UserError(
                f"{path} starts other programs, and none was named with it", f"name them: {path.name} FILE…"
            ) from None
        raise UserError(f"{path} cannot be linked: {error}", "mend what is named above") from None


def build_files(files: Sequence[Path], stack: int | None = None) -> Path:
    """The ELF of a system: the first file is the initial thread's program, which finds each of the others by its stem.

    `stack` is the size of the first one's stack, in bytes. Raises UserError for two components of one name, or a first file in C
    with others behind it.
    """
    initial, *others = files
    if not others:
        return build_program(initial, stack)
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
    return build_system(initial, components, stack)


def build_system(initial: Path, components: Mapping[str, Path], stack: int | None = None) -> Path:
    """The ELF of an initial thread with other programs in it, which it finds by name (runtime/archive.py)."""
    packed = archive.pack(
        {name: archive.stripped(build_program(path).read_bytes()) for name, path in components.items()}
    )
    key = "archive." + hashlib.sha256(packed).hexdigest()[:32]
    directory, _ = cache.kept(key, lambda fresh: write_file(fresh / "archive", packed))
    return build_python(initial.resolve(), archive.section(directory / "archive"), stack)


def write_file(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def build_c(path: Path, stack: int | None = None) -> Path:
    """The ELF of a program in C, with so large a stack, or its own choice."""
    script = linker_script(stack)
    inputs = [path, *sorted(path.parent.glob("*.h")), *sorted(INCLUDE.iterdir())]
    digest = hashlib.sha256(repr((path, C_OPTIONS, script, version("ziglang"))).encode())
    for file in inputs:
        digest.update(file.read_bytes())

    def make(directory: Path) -> None:
        objects = [directory / "program.o", directory / "start.o"]
        compile_c(C_START, objects[1])
        (directory / WARNINGS).write_text(compile_c(path, objects[0]))
        try:
            link(objects, directory / "program.elf", script, USER)
        except ToolError as error:
            raise UserError(f"{path} cannot be linked: {error}", clang_hints.after_link(error.said)) from None

    directory, _ = cache.kept(f"c.{digest.hexdigest()[:32]}", make)
    sys.stderr.write((directory / WARNINGS).read_text())  # each time, for they are as true as the first time
    return directory / "program.elf"


def compile_c(source: Path, output: Path) -> str:
    """An object from a C file; clang's warnings, as lines. Raises UserError with what clang says."""
    files = [f"-I{INCLUDE}", "-c", str(source), "-o", str(output)]
    try:
        said = zig.run("cc", *C_OPTIONS, *files, directory=output.parent)
    except ToolError as error:
        remedy = clang_hints.after_compile(error.said, INCLUDE)
        raise UserError(f"{source} does not compile:\n{error.said}", remedy) from None
    return f"{said}\n" if said else ""
