"""`pith bench data` and `pith bench scaling`: costs as curves."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pith.cli.bench_options import (
    AgainstOption,
    JsonOption,
    KernelOption,
    PlotOption,
    chosen_kernels,
    counter,
    progress,
    require,
    write_text,
)

if TYPE_CHECKING:  # the benchmarks bring the compiler along, which no other command should wait for
    from pith.lab.bench.boot import Boot
    from pith.lab.bench.figures import Figure, FigureResult
    from pith.lab.bench.kernels import Kernel


def data(
    kernel: KernelOption = None,
    against: AgainstOption = None,
    json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """Move 8 bytes to 1 MiB: in registers, through the IPC buffer, through shared memory; and where these cross."""
    from pith.lab.bench.figures import DATA

    require(plot)
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        results = run_figures((DATA,), chosen_kernels(kernel, against, Path(directory)))
    show(results, [], json, plot)


def scaling(
    kernel: KernelOption = None,
    against: AgainstOption = None,
    json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """What grows with threads, priorities, depth and descendants; how long interrupts wait; what booting takes."""
    from pith.lab.bench.boot import measure_boot
    from pith.lab.bench.figures import DELAYS, SCALING

    require(plot)
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        kernels = chosen_kernels(kernel, against, Path(directory))
        results = run_figures(SCALING, kernels) + run_figures((DELAYS,), kernels)
        boots = [measure_boot(measured) for measured in kernels]
    show(results, boots, json, plot)


def run_figures(figures: tuple[Figure, ...], kernels: list[Kernel]) -> list[FigureResult]:
    """Measure, with a bar for each kernel: a step is a point of a curve."""
    from pith.lab.bench.figures import measure_figures

    steps = sum(len(figure.curves) * figure.places for figure in figures)
    with progress() as bar:
        return measure_figures(kernels, figures, {k.name: counter(bar, k.name, steps) for k in kernels})


def show(results: list[FigureResult], boots: list[Boot], json: bool, plot: Path | None) -> None:
    from pith.lab.bench.chart import charts
    from pith.lab.bench.figures_json import to_json
    from pith.lab.bench.figures_text import boot_table, figures_text

    if plot is not None:
        write_text(plot, charts(results))
    if json:
        print(to_json(results, boots))
        return
    Console().print(figures_text(results))
    if boots:
        Console().print(boot_table(boots))
