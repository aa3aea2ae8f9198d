"""The programs that `pith run` and `pith build` are given: the files, checked and compiled into one ELF.

The first file is the initial thread's program. The others travel in its image as components, each under the name of its
file without the suffix; nothing starts them but the first (`pith.runtime.archive`, `component`).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pith import UserError
from pith.cli.arguments import check_apart, check_readable, check_writable, parse_size
from pith.cli.boot import LANGUAGES
from pith.cli.errors import UsageError
from pith.cli.start import saying

LARGEST_STACK = 2**30
KIND = "a program in metal Python (.py) or C (.c)"

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Programs in metal Python (.py) or C (.c). The first one is started; it finds the others by their "
        "names without the suffix, and starts them.",
        metavar="FILE…",
    ),
]
StackOption = Annotated[
    str | None,
    typer.Option(
        help="The size of the first program's stack: what the program itself says, else 32K.",
        metavar="SIZE",
        show_default=False,
    ),
]


def checked_stack(text: str | None) -> int | None:
    """The size that --stack names. Raises UsageError for what is none, or for more than a stack can have."""
    size = None if text is None else parse_size(text)
    if size is not None and not 4096 <= size <= LARGEST_STACK:
        raise UsageError(f"a stack cannot have {text}: the least is 4K, the most 1G", "--stack 64K")
    return size


def check_files(files: list[Path]) -> None:
    """Refuse what cannot be a program, before anything slow is begun."""
    for file in files:
        if file.is_dir():
            raise UsageError(f"{file} is a directory", f"name {KIND}")
        if file.suffix not in LANGUAGES:
            raise UsageError(
                f"{file} is neither metal Python (.py) nor C (.c)", f"for an ELF: pith boot --initial {file}"
            )
        check_readable(file, KIND)


def build_elf(files: list[Path], output: Path | None, *, debug: bool, stack: int | None = None) -> Path:
    """The ELF of these programs: at `output`, or else where the compiler keeps it."""
    if output is not None:
        check_apart(output, files)
        check_writable(output)
    with saying(f"compiling {', '.join(file.name for file in files)}"):
        from pith.system.components import build_files, expect_debugging

        expect_debugging(debug)
        built = build_files(files, stack)
    return built if output is None else copy(built, output)


def copy(built: Path, output: Path) -> Path:
    try:
        return Path(shutil.copyfile(built, output))
    except OSError as error:
        raise UserError(f"{output}: {error.strerror}", "name a file that can be written") from None
