"""`pith bench timer`: what setting the timer costs, through the firmware and without it."""

import tempfile
from pathlib import Path

from rich.console import Console

from pith.cli.bench_options import (
    AgainstOption,
    JsonOption,
    KernelOption,
    chosen_kernels,
    counter,
    progress,
    require,
)


def timer(kernel: KernelOption = None, against: AgainstOption = None, json: JsonOption = False) -> None:
    """Measure every row on a processor with Sstc and on one without: what a call of the firmware costs."""
    from pith.lab.bench.timer import MEASURED, measure_timer, timer_table, to_json

    require()
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory, progress() as bar:
        costs = [
            cost
            for measured in chosen_kernels(kernel, against, Path(directory))
            for cost in measure_timer(measured, counter(bar, measured.name, 2 * len(MEASURED)))
        ]
    if json:
        print(to_json(costs))
    else:
        Console().print(timer_table(costs))
