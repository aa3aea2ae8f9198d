"""`pith bench`: the group of commands that measure. Each stands in a file of its own; by itself the group measures the kernel."""

import typer

from pith.cli.bench_compile import compile_kernel
from pith.cli.bench_figures import data, scaling
from pith.cli.bench_ipc import bench, trace
from pith.cli.bench_memory import memory
from pith.cli.bench_service import service
from pith.cli.bench_size import size
from pith.cli.bench_timer import timer

benchmarks = typer.Typer(name="bench", help="Measure the kernel, beside another if you have one.")
benchmarks.callback(invoke_without_command=True)(bench)
benchmarks.command("trace")(trace)
benchmarks.command("memory")(memory)
benchmarks.command("data")(data)
benchmarks.command("service")(service)
benchmarks.command("scaling")(scaling)
benchmarks.command("timer")(timer)
benchmarks.command("size")(size)
benchmarks.command("compile")(compile_kernel)
