"""`pith bench data` and `pith bench scaling`: costs as curves."""

import tempfile
from pathlib import Path

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
from pith.lab.bench.figures import Figure, FigureResult


def data(
    kernel: KernelOption = None,
    against: AgainstOption = None,
    json: JsonOption = False,
    plot: PlotOption = None,
) -> None:
    """Move 8 bytes to 1 MiB: in registers, through the IPC buffer, through shared memory; and where these cross."""
    from pith.lab.bench.figures import DATA

    require(plot)
    show(run_figures((DATA,), kernel, against), json, plot)


def run_figures(figures: tuple[Figure, ...], kernel: Path | None, against: Path | None) -> list[FigureResult]:
    """Measure, with a bar for each kernel: a step is a point of a curve."""
    from pith.lab.bench.figures import measure_figures

    steps = sum(len(figure.curves) * figure.places for figure in figures)
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory, progress() as bar:
        kernels = chosen_kernels(kernel, against, Path(directory))
        return measure_figures(kernels, figures, {k.name: counter(bar, k.name, steps) for k in kernels})


def show(results: list[FigureResult], json: bool, plot: Path | None) -> None:
    from pith.lab.bench.chart import charts
    from pith.lab.bench.figures_json import to_json
    from pith.lab.bench.figures_text import figures_text

    if plot is not None:
        write_text(plot, charts(results))
    if json:
        print(to_json(results))
    else:
        Console().print(figures_text(results))
