"""Results as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from rich import box
from rich.table import Table

from .results import Report, Result
from .rows import GROUPS, Row
from .statistics import Summary

WORK_WIDTH: Final = 22  # no narrower, however long a kernel's name is
NAME_WIDTH: Final = 10


def table(report: Report, names: bool = False) -> Table:
    """A line a row, under the headings of their groups; by their work, or their names."""
    drawn = Table(
        box=box.SIMPLE_HEAD,
        caption=caption(report),
        caption_justify="left",
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    drawn.add_column("retired instructions", min_width=WORK_WIDTH, no_wrap=names)  # names are to be copied
    for heading in headings(report):
        drawn.add_column(heading, justify="right", overflow="fold")
    by_row = {result.row.name: result for result in report.results}
    for group in GROUPS:
        shown = [by_row[row.name] for row in group.rows if row.name in by_row]
        if shown:
            drawn.add_section()
            drawn.add_row(f"[bold]{group.heading}[/bold]")
        for result in shown:
            drawn.add_row(f"  {result.row.name if names else result.row.work}", *cells(result))
    return drawn


def headings(report: Report) -> list[str]:
    """The columns behind the first."""
    kernels = [report.own_name, *([report.peer_name] if report.peer_name else [])]
    return [*("\n".join(wrap(name, NAME_WIDTH)) for name in kernels), "seL4", "ratio", "floor", "above"]


def cells(result: Result) -> list[str]:
    if result.peer is None:
        kernels = [figure(result.own), seL4_figure(result.row)]
    else:
        kernels = [figure(result.own), figure(result.peer), seL4_figure(result.row._replace(published=None))]
    return [*kernels, coloured(result.ratio), number(result.floor), number(result.above_floor)]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def seL4_figure(row: Row) -> str:
    """This program's figure, and the published one where it is another."""
    if row.seL4 is None:
        return ""
    return str(row.seL4) if row.published in (None, row.seL4) else f"({row.published}) {row.seL4}"


def figure(summary: Summary) -> str:
    median = f"{summary.median:g}"
    return f"{median} ({summary.minimum}-{summary.maximum})" if summary.varies else median


def coloured(ratio: float | None) -> str:
    return "" if ratio is None else f"[{'red' if ratio > 1 else 'green'}]{ratio:.2f}[/]"


def caption(report: Report) -> str:
    against = report.peer_name or "seL4"
    samples = len(report.results[0].own.samples)
    published = (
        ""
        if report.peer_name
        else "; in brackets the published figure where it differs (docs/measuring.md says why)"
    )
    mean = (
        ""
        if report.mean_ratio is None
        else f"; the geometric mean of those with a published figure is {report.mean_ratio:.3f}"
    )
    return (
        f"Ratios are to {against}{mean}. "
        f"{samples} samples a row after warming up, the median shown. seL4: 16.0.0, MCS, release, by this "
        f"program{published}. Floor: what the hardware forces; above: the kernel's own "
        f"work on top of it."
    )


def varying(report: Report) -> Table | None:
    """The rows whose samples differ, with all that is said of samples; None if there are none."""
    found = list(summaries_that_vary(report))
    if not found:
        return None
    drawn = Table(title="Samples that differ", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("row")
    drawn.add_column("kernel", overflow="fold")
    for heading in ("minimum", "mean", "median", "maximum", "samples"):
        drawn.add_column(heading, justify="right")
    for row, kernel, summary in found:
        numbers = (summary.minimum, summary.mean, summary.median, summary.maximum, len(summary.samples))
        drawn.add_row(row, kernel, *(f"{number:g}" for number in numbers))
    return drawn


def summaries_that_vary(report: Report) -> Iterator[tuple[str, str, Summary]]:
    for result in report.results:
        for kernel, summary in ((report.own_name, result.own), (report.peer_name, result.peer)):
            if kernel is not None and summary is not None and summary.varies:
                yield result.row.name, kernel, summary
