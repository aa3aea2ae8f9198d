"""`pith bench service`: what it costs to put a service into servers."""

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


def service(kernel: KernelOption = None, against: AgainstOption = None, json: JsonOption = False) -> None:
    """Read a file through functions, through a server, and through two: entries, switches, instructions."""
    from pith.lab.bench.service import WAYS, measure_services
    from pith.lab.bench.service_text import service_table, to_json

    require()
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory, progress() as bar:
        costs = [
            cost
            for measured in chosen_kernels(kernel, against, Path(directory))
            for cost in measure_services(measured, counter(bar, measured.name, len(WAYS)))
        ]
    if json:
        print(to_json(costs))
    else:
        Console().print(service_table(costs))
