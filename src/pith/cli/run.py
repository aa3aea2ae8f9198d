"""`pith run`: compile a user program, in metal Python or in C, and start it as the initial thread."""

from pathlib import Path
from typing import Annotated

import typer

from pith.cli.arguments import check_readable
from pith.cli.boot import MachineName, choose_machine
from pith.cli.errors import NotBuiltYet, UsageError

LANGUAGES = (".py", ".c")


def run_program(
    file: Annotated[Path, typer.Argument(help="A program in metal Python (.py) or C (.c).", metavar="FILE")],
    machine: Annotated[
        MachineName | None,
        typer.Option(
            help="Where to run: QEMU if it can be used, else the hosted machine.", show_default=False
        ),
    ] = None,
) -> None:
    """Compile a user program, and run it as the initial thread."""
    if file.suffix not in LANGUAGES:
        raise UsageError(
            f"{file} is neither metal Python (.py) nor C (.c)", f"for an ELF: pith boot --initial {file}"
        )
    check_readable(file, "a program in metal Python (.py) or C (.c)")
    choose_machine(machine, wants_pdb=False, wants_gdb=False)
    raise NotBuiltYet("compiling user programs")
