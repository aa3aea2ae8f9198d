"""`pith bench` and `pith bench trace`: what the kernel's paths cost, and where a path's instructions go."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pith.cli.bench_options import (
    AgainstOption,
    KernelOption,
    PlotOption,
    choose_kernel,
    chosen_kernels,
    progress,
    require,
    write_text,
)
from pith.cli.errors import UsageError
from pith.lab.bench.kernels import Kernel
from pith.lab.bench.rows import Row, matching, one
from pith.lab.bench.statistics import Summary

Measured = tuple[str, dict[str, Summary]]


def bench(
    context: typer.Context,
    row: Annotated[
        list[str] | None,
        typer.Option(
            "--row",
            help="Only the rows whose names match, such as 'call-*'; may be repeated.",
            metavar="PATTERN",
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Show the rows' names, which --row and trace take.")
    ] = False,
    against: AgainstOption = None,
    no_float: Annotated[
        bool,
        typer.Option(
            "--no-float",
            help="Deny all threads floating point, whose registers some kernels move at every switch otherwise.",
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON, in the shape that sel4bench uses.")
    ] = False,
    plot: PlotOption = None,
    kernel: KernelOption = None,
) -> None:
    """Count the instructions that the kernel's paths take, on QEMU."""
    if context.invoked_subcommand is not None:
        if row or names or against is not None or no_float or json or plot is not None or kernel is not None:
            name = f"pith bench {context.invoked_subcommand}"
            raise UsageError("an option stands before the command that it is for", f"{name} --help")
        return
    from pith.lab.bench import json_report, results, table
    from pith.lab.bench.plot import plot as draw

    rows = matching(*(row or ["*"]))
    if no_float:
        rows = without_float(rows)
    require(plot)
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        measured = measure_all(chosen_kernels(kernel, against, Path(directory)), rows, no_float)
    report = results.combine(rows, measured[0], measured[1] if against is not None else None)
    if plot is not None:
        write_text(plot, draw(report))
    if json:
        print(json_report.to_json(report))
    else:
        Console().print(table.table(report, names))
        if (varying := table.varying(report)) is not None:
            Console().print(varying)


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
    require(flame)
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        traced = choose_kernel(kernel, Path(directory))
        found = profile(record(traced, chosen), Symbols(traced.elf), Symbols(build_program()))
    if flame is not None:
        write_text(flame, flame_graph(found))
    Console().print(profile_text(found, lines))


def without_float(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows whose threads need no floating point. Their seL4's figures are of threads that may use it, so they are left out."""
    left = tuple(row._replace(seL4=None, published=None) for row in rows if not row.uses_float)
    if not left:
        raise UsageError(
            "these rows are about floating point, which --no-float denies", "leave --no-float out"
        )
    return left


def measure_all(kernels: list[Kernel], rows: tuple[Row, ...], no_float: bool) -> list[Measured]:
    """Run the benchmark on each kernel, with a bar on standard error if that is a terminal."""
    with progress() as bar:
        return [(kernel.name, measure_one(kernel, rows, bar, no_float)) for kernel in kernels]


def measure_one(kernel: Kernel, rows: tuple[Row, ...], bar: Progress, no_float: bool) -> dict[str, Summary]:
    from pith.lab.bench.measuring import measure

    task = bar.add_task(kernel.name, total=len(rows))
    wanted = {row.name for row in rows}
    return measure(kernel, rows, lambda name: bar.advance(task, name in wanted), float_denied=no_float)
