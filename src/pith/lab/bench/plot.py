"""Results as a drawing: a pair of bars a row, our kernel's above, and below it what it is compared with."""

from __future__ import annotations

from typing import Final

from .results import Report, Result
from .rows import GROUPS
from .svg import Drawing

OWN, PEER, FLOOR, LINES = "#2b6cb0", "#cbd5e0", "#e53e3e", "#e2e8f0"
WIDTH: Final = 1000
LABELS: Final = 390  # where the bars begin
MARGIN: Final = 110  # room for the figures behind the longest bar
ROW_HEIGHT: Final = 26
HEADING_HEIGHT: Final = 34
TOP: Final = 60


def plot(report: Report) -> str:
    """The SVG text."""
    by_row = {result.row.name: result for result in report.results}
    groups = [(g.heading, [by_row[r.name] for r in g.rows if r.name in by_row]) for g in GROUPS]
    shown = [(heading, results) for heading, results in groups if results]
    height = TOP + sum(HEADING_HEIGHT + ROW_HEIGHT * len(results) for _, results in shown) + 20
    drawing = Drawing(WIDTH, height, "Retired instructions")
    draw_legend(drawing, report)
    longest = max(max(result.own.median, result.comparison or 0) for result in report.results)
    y = TOP
    for heading, results in shown:
        drawing.line(10, y + 8, WIDTH - 10, y + 8, LINES)
        drawing.text(10, y + 25, heading, size=13)
        y += HEADING_HEIGHT
        for result in results:
            draw_result(drawing, y, result, (WIDTH - LABELS - MARGIN) / longest)
            y += ROW_HEIGHT
    return str(drawing)


def draw_legend(drawing: Drawing, report: Report) -> None:
    drawing.text(10, 24, "Retired instructions", size=16)
    x = LABELS
    for colour, name in ((OWN, report.own_name), (PEER, report.peer_name or "seL4"), (FLOOR, "floor")):
        drawing.box(x, 14, 12, 12, colour)
        drawing.text(x + 18, 24, name)
        x += 40 + 8 * len(name)
    if report.mean_ratio is not None:
        drawing.text(10, 44, f"geometric mean of the ratios: {report.mean_ratio:.3f}", colour="#555")


def draw_result(drawing: Drawing, y: float, result: Result, scale: float) -> None:
    own, other = result.own.median, result.comparison
    hint, told = f"{result.row.name}: {own:g}", f"{own:g}"
    if result.ratio is not None:
        hint, told = f"{hint} against {other:g}, ratio {result.ratio:.3f}", f"{own:g} / {other:g}"
    drawing.text(LABELS - 10, y + 15, result.row.work, anchor="end", hint=hint)
    drawing.box(LABELS, y + 2, own * scale, 10, OWN, hint)
    if other is not None:
        drawing.box(LABELS, y + 13, other * scale, 8, PEER, hint)
    if result.floor is not None:
        drawing.line(LABELS + result.floor * scale, y, LABELS + result.floor * scale, y + 23, FLOOR)
    end = LABELS + max(own, other or 0) * scale
    drawing.text(end + 6, y + 15, told, size=11, colour="#555")
