"""`pith build`: compile user programs into an ELF, and keep it."""

from pathlib import Path
from typing import Annotated

import typer

from pith.cli.programs import FilesArgument, StackOption, build_elf, check_files, checked_stack

OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Where to write the ELF.", metavar="ELF", show_default=False),
]
DebugOption = Annotated[
    bool,
    typer.Option("--debug/--release", help="For a kernel with debug calls and checks, or the fast one."),
]


def build_programs(
    files: FilesArgument, output: OutputOption = None, stack: StackOption = None, debug: DebugOption = True
) -> None:
    """Compile user programs into one ELF, which `pith boot --initial` starts: by default FILE.elf, here."""
    check_files(files)
    elf = build_elf(files, output or Path(f"{files[0].stem}.elf"), debug=debug, stack=checked_stack(stack))
    print(f"{elf}: to start it: pith boot --initial {elf}{'' if debug else ' --release'}")
