"""What the commands that measure have in common: which kernels, how to show the results, a bar while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pith import UserError
from pith.cli.arguments import check_writable
from pith.cli.host import find_qemu
from pith.lab.bench.kernels import Kernel, named_kernel, own_kernel

KernelOption = Annotated[
    Path | None,
    typer.Option(
        "--kernel",
        help="An ELF, or a boot image, of a kernel to measure in place of Pith's own.",
        metavar="FILE",
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        "--against",
        help="Run the same program on another kernel with seL4's interface: its boot image, or its ELF.",
        metavar="IMAGE",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", help="Draw the results into an SVG file.", metavar="FILE")
]


def choose_kernel(named: Path | None, directory: Path) -> Kernel:
    """The kernel to measure; what has to be unpacked is put into `directory`."""
    return own_kernel() if named is None else named_kernel(named, directory)


def chosen_kernels(named: Path | None, against: Path | None, directory: Path) -> list[Kernel]:
    """The kernel to measure, and the other if there is one; no two have the same name."""
    own = choose_kernel(named, directory)
    if against is None:
        return [own]
    other = named_kernel(against, directory)
    return [own, other if other.name != own.name else other._replace(name=f"the other {other.name}")]


def progress() -> Progress:
    """A bar on standard error, if that is a terminal; it is gone when the run has ended."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def counter(bar: Progress, name: str, total: int) -> Callable[[str], None]:
    """A new bar; each call of what is returned is one step more, whatever its name."""
    task = bar.add_task(name, total=total)
    return lambda _: bar.advance(task)


def require(plot: Path | None = None) -> None:
    """Find out before anything slow whether there is a QEMU, and a place for the drawing.

    Numbers come from QEMU only: the hosted machine does not run the compiled kernel.
    """
    if plot is not None:
        check_writable(plot)
    qemu = find_qemu()
    if qemu.complaint:
        raise UserError(qemu.complaint, qemu.remedy)


def write_text(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", "name a file that can be written") from None
