"""`pith bench compile`: what each stage of the compiler takes for the whole kernel, cold and from the cache."""

from rich.console import Console
from rich.table import Table


def compile_kernel() -> None:
    """Time the compiler on the whole kernel, stage by stage. Wall-clock: it varies with what else goes on."""
    from pith.lab.compile_times import measure
    from pith.system.kernel import build_kernel

    times = measure(build_kernel)
    table = Table(title="Compiling the kernel", title_justify="left", box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    for stage, seconds in times.stages.items():
        table.add_row(stage, f"{seconds:.2f}")
    table.add_row("link, and the rest", f"{times.cold - sum(times.stages.values()):.2f}")
    table.add_section()
    table.add_row("[bold]in all, from nothing[/bold]", f"[bold]{times.cold:.2f}[/bold]")
    table.add_row("in all, nothing changed", f"{times.cached:.2f}")
    Console(highlight=False).print(table)
