"""`pith bench memory`: the bytes that a kernel takes, and the cache lines that its paths touch."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
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


def memory(
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            help="Rows whose paths to follow: a call and its answer if none is named.", metavar="ROW"
        ),
    ] = None,
    kernel: KernelOption = None,
    against: AgainstOption = None,
    json: JsonOption = False,
) -> None:
    """Count the kernel's bytes, and the cache lines of code and data that a path touches, by what stands there."""
    from pith.lab.bench import memory_json, memory_text
    from pith.lab.bench.memory import measure_memory
    from pith.lab.bench.rows import one

    chosen = tuple(one(name) for name in rows or ("call-0.there", "call-0.back"))
    require()
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory, progress() as bar:
        reports = [
            measure_memory(measured, chosen, counter(bar, measured.name, len(chosen)))
            for measured in chosen_kernels(kernel, against, Path(directory))
        ]
    if json:
        print(memory_json.to_json(reports))
    else:
        Console().print(memory_text.memory_text(reports))
