"""Results as a table on the terminal."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.table import Table

from .results import Report, Result
from .rows import GROUPS, Row
from .statistics import Summary

WORK_WIDTH: Final = 28  # no narrower, however long a kernel's name is


def table(report: Report) -> Table:
    """A line a row, under the headings of their groups."""
    drawn = Table(
        box=box.SIMPLE_HEAD,
        caption=caption(report),
        caption_justify="left",
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    drawn.add_column("retired instructions", min_width=WORK_WIDTH)
    for heading in headings(report):
        drawn.add_column(heading, justify="right", overflow="fold")
    by_row = {result.row.name: result for result in report.results}
    for group in GROUPS:
        shown = [by_row[row.name] for row in group.rows if row.name in by_row]
        if shown:
            drawn.add_section()
            drawn.add_row(f"[bold]{group.heading}[/bold]")
        for result in shown:
            drawn.add_row(f"  {result.row.work}", *cells(result))
    return drawn


def headings(report: Report) -> list[str]:
    """The columns behind the first."""
    return [report.own_name, *([report.peer_name] if report.peer_name else []), "seL4", "ratio", "floor"]


def cells(result: Result) -> list[str]:
    peer = [figure(result.peer)] if result.peer else []
    return [figure(result.own), *peer, seL4_figure(result.row), coloured(result.ratio), str(result.floor)]


def seL4_figure(row: Row) -> str:
    """This program's figure, and the published one where it is another."""
    return str(row.seL4) if row.published in (None, row.seL4) else f"({row.published}) {row.seL4}"


def figure(summary: Summary) -> str:
    median = f"{summary.median:g}"
    return f"{median} ({summary.minimum}-{summary.maximum})" if summary.varies else median


def coloured(ratio: float) -> str:
    return f"[{'red' if ratio > 1 else 'green'}]{ratio:.2f}[/]"


def caption(report: Report) -> str:
    against = report.peer_name or "seL4"
    samples = len(report.results[0].own.samples)
    return (
        f"Ratios are to {against}; the geometric mean of those with a published figure is {report.mean_ratio:.3f}. {samples} samples a row after "
        f"warming up, the median shown. seL4: 16.0.0, MCS, release, by this program; in brackets the published figure where it "
        f"differs (docs/measuring.md says why). Floor: what the hardware forces."
    )
