"""Figures for people: a table each, and where curves cross."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .boot import Boot
from .figures import FigureResult, crossings

COLUMNS: Final = 4  # of figures, that lines of 80 characters have room for


def figures_text(results: list[FigureResult]) -> Group:
    parts: list[RenderableType] = []
    for result in results:
        parts += [*figure_tables(result), Text(spread(result)), *map(Text, crossing_lines(result))]
    return Group(*parts)


def figure_tables(result: FigureResult) -> list[Table]:
    """Kernels side by side if a line has room for them, else below one another."""
    kernels = list(dict.fromkeys(measured.kernel for measured in result.measured))
    if len(kernels) == 1 or len(result.measured) <= COLUMNS:
        return [figure_table(result)]
    title = result.figure.title
    return [
        figure_table(
            result._replace(
                figure=result.figure._replace(title=f"{title}: {kernel}"),
                measured=tuple(m for m in result.measured if m.kernel == kernel),
            )
        )
        for kernel in kernels
    ]


def figure_table(result: FigureResult) -> Table:
    """A row for each x, a column for each curve on each kernel."""
    table = Table(title=f"\n{result.figure.title}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(result.figure.x, justify="right")
    several = len({measured.kernel for measured in result.measured}) > 1
    for measured in result.measured:
        heading = f"{measured.kernel}\n{measured.curve.label}" if several else measured.curve.label
        widest = max(len(f"{median:,.0f}") for _, median in measured.medians)
        table.add_column(heading, justify="right", overflow="fold", min_width=widest)
    for x in sorted({x for measured in result.measured for x in measured.points}):
        cells = [f"{m.points[x].median:,.0f}" if x in m.points else "" for m in result.measured]
        table.add_row(f"{x:,}", *cells)
    return table


def spread(result: FigureResult) -> str:
    """How far the samples of a point lie apart, at most."""
    summaries = [summary for measured in result.measured for summary in measured.points.values()]
    most = max((summary.maximum - summary.minimum) / summary.median for summary in summaries)
    samples = f"Medians of {len(summaries[0].samples)} samples"
    return f"{samples}, which differ by at most {most:.2%}." if most else f"{samples}, all alike."


def crossing_lines(result: FigureResult) -> list[str]:
    return [
        f"{c.below.kernel}, from {c.x:,.0f} {result.figure.x} on: "
        f"{c.below.curve.label} below {c.above.curve.label}"
        for c in crossings(result)
    ]


def boot_table(boots: list[Boot]) -> Table:
    """A row a kernel."""
    table = Table(
        title="\nBoot to the initial thread", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("kernel", overflow="fold")
    for heading in ("its instructions", "calls of the firmware", "all since power-on", "wall time"):
        table.add_column(heading, justify="right")
    for boot in boots:
        since = f"{boot.reached / 1e6:.1f} million"
        table.add_row(
            boot.kernel,
            f"{boot.instructions:,}",
            str(boot.firmware_calls),
            since,
            f"{boot.seconds * 1000:.0f} ms",
        )
    return table
