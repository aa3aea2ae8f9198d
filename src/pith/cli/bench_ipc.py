"""`pith bench` and `pith bench trace`: what the kernel's paths cost, and where a path's instructions go."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pith import UserError
from pith.cli.host import find_qemu
from pith.lab.bench.kernels import Kernel, named_kernel, own_kernel
from pith.lab.bench.rows import Row, matching, one
from pith.lab.bench.statistics import Summary

Measured = tuple[str, dict[str, Summary]]
KernelOption = Annotated[
    Path | None,
    typer.Option(
        "--kernel",
        help="An ELF, or a boot image, of a kernel to measure in place of Pith's own.",
        metavar="FILE",
    ),
]


def bench(
    context: typer.Context,
    row: Annotated[
        str | None,
        typer.Option("--row", help="Only the rows whose names match, such as 'call-*'.", metavar="PATTERN"),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Run the same program on another kernel with seL4's interface: its boot image, or its ELF.",
            metavar="IMAGE",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in the shape that sel4bench uses.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the results into an SVG file.", metavar="FILE")
    ] = None,
    kernel: KernelOption = None,
) -> None:
    """Count the instructions that the kernel's paths take, on QEMU."""
    if context.invoked_subcommand is not None:
        return
    from pith.lab.bench import json_report, results, table
    from pith.lab.bench.plot import plot as draw

    rows = matching(row)
    require_qemu()
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        kernels = [choose_kernel(kernel, Path(directory))]
        if against is not None:
            kernels.append(named_kernel(against, Path(directory)))
        measured = measure_all(kernels, rows)
    report = results.combine(rows, measured[0], measured[1] if against is not None else None)
    if plot is not None:
        write_text(plot, draw(report))
    if json:
        print(json_report.to_json(report))
    else:
        Console().print(table.table(report))


def trace(
    row: Annotated[str, typer.Argument(help="A row's name, such as call-0.round-trip.", metavar="ROW")],
    lines: Annotated[int, typer.Option(help="How many source lines to show.", min=1)] = 30,
    flame: Annotated[
        Path | None, typer.Option(help="Draw a flame graph into an SVG file.", metavar="FILE")
    ] = None,
    kernel: KernelOption = None,
) -> None:
    """Show where a row's instructions go: by function and source line."""
    from pith.lab.bench.building import build_program
    from pith.lab.bench.flame import flame_graph
    from pith.lab.bench.log import record
    from pith.lab.bench.profile import profile
    from pith.lab.bench.profile_text import profile_text
    from pith.lab.bench.symbols import Symbols

    chosen = one(row)
    require_qemu()
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        traced = choose_kernel(kernel, Path(directory))
        found = profile(record(traced, chosen), Symbols(traced.elf), Symbols(build_program()))
    if flame is not None:
        write_text(flame, flame_graph(found))
    Console().print(profile_text(found, lines))


def choose_kernel(named: Path | None, directory: Path) -> Kernel:
    return own_kernel() if named is None else named_kernel(named, directory)


def measure_all(kernels: list[Kernel], rows: tuple[Row, ...]) -> list[Measured]:
    """Run the benchmark on each kernel, with a bar on standard error if that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        return [(kernel.name, measure_one(kernel, rows, progress)) for kernel in kernels]


def measure_one(kernel: Kernel, rows: tuple[Row, ...], progress: Progress) -> dict[str, Summary]:
    from pith.lab.bench.measuring import measure

    task = progress.add_task(kernel.name, total=len(rows))
    wanted = {row.name for row in rows}
    return measure(kernel, rows, lambda name: progress.advance(task, name in wanted))


def require_qemu() -> None:
    """Numbers come from QEMU only: the hosted machine does not run the compiled kernel."""
    qemu = find_qemu()
    if qemu.complaint:
        raise UserError(qemu.complaint, qemu.remedy)


def write_text(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", "name a file that can be written") from None
