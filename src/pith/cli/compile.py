"""`pith compile`: show what the compiler makes of a metal module, at any of its stages."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pith.cli.arguments import check_readable


class Stage(StrEnum):
    TREE = "tree"
    IR = "ir"
    LLVM = "llvm"
    ASM = "asm"


def compile_file(
    file: Annotated[Path, typer.Argument(help="A module in metal Python.", metavar="FILE")],
    show: Annotated[
        Stage, typer.Option(help="The stage to print: typed tree, Pith's IR, LLVM's IR, or riscv64 assembly.")
    ] = Stage.ASM,
    only: Annotated[
        str | None,
        typer.Option(
            help="Only the function of this name, or those of this module; else all that is reached.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compile a metal-Python module, and print one of its stages."""
    check_readable(file, "a module in metal Python")
    from pith.metal.compiler.driver import show_file

    print(show_file(file, show.value, only), end="")
