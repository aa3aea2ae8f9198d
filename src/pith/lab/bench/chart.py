"""Figures as drawings: lines over a logarithmic axis, one chart below the other.

Our kernel's lines are drawn through, another's dashed. A ring is where two lines of one kernel cross.
"""

from __future__ import annotations

from math import ceil, floor, log10
from typing import Final

from .figures import FigureResult, Measured, crossings
from .svg import Drawing

COLOURS: Final = ("#2b6cb0", "#dd6b20", "#2f855a", "#805ad5", "#c53030")
GRID, AXIS = "#e2e8f0", "#718096"
WIDTH: Final = 1000
LEFT, RIGHT = 90, 710  # the lines' room; names stand to the right of it
CHART_HEIGHT: Final = 400
TOP, BOTTOM = 50, 350  # in a chart
LINE_HEIGHT: Final = 18
HEADROOM: Final = 1.1  # above the highest point of a linear axis


class Axis:
    """From values to places: `low` at `start`, `high` at `end`, even steps or even ratios."""

    def __init__(self, low: float, high: float, start: float, end: float, *, logarithmic: bool) -> None:
        self.scaled = log10 if logarithmic else float
        self.low = self.scaled(low)
        self.scale = (end - start) / (self.scaled(high) - self.low)
        self.start = start

    def __call__(self, value: float) -> float:
        return self.start + (self.scaled(value) - self.low) * self.scale


def charts(results: list[FigureResult]) -> str:
    """The SVG text."""
    drawing = Drawing(WIDTH, CHART_HEIGHT * len(results), results[0].figure.title)
    for number, result in enumerate(results):
        draw_figure(drawing, result, number * CHART_HEIGHT)
    return str(drawing)


def draw_figure(drawing: Drawing, result: FigureResult, top: float) -> None:
    drawing.text(10, top + 24, result.figure.title, size=15)
    places = [x for measured in result.measured for x in measured.points]
    across = Axis(min(places), max(places), LEFT, RIGHT, logarithmic=True)
    up = vertical_axis(drawing, result, top)
    for x in sorted(set(places)):
        drawing.line(across(x), top + TOP, across(x), top + BOTTOM, GRID)
    for x in sorted(set(places))[:: max(1, len(set(places)) // 9)]:
        drawing.text(across(x), top + BOTTOM + 16, short(x), size=11, anchor="middle", colour=AXIS)
    drawing.text((LEFT + RIGHT) / 2, top + BOTTOM + 36, result.figure.x, anchor="middle", colour=AXIS)
    kernels = list(dict.fromkeys(measured.kernel for measured in result.measured))
    for row, measured in enumerate(result.measured):
        colour = COLOURS[result.figure.curves.index(measured.curve) % len(COLOURS)]
        dashed = measured.kernel != kernels[0]
        draw_line(drawing, measured, across, up, colour, dashed)
        name = f"{measured.curve.label}, {measured.kernel}" if len(kernels) > 1 else measured.curve.label
        y = top + TOP + 10 + row * LINE_HEIGHT
        drawing.path([(RIGHT + 15, y), (RIGHT + 40, y)], colour, dashed=dashed)
        drawing.text(RIGHT + 46, y + 4, name, size=11)
    for crossing in crossings(result):
        y = at(crossing.below, crossing.x)
        hint = f"{crossing.x:,.0f} {result.figure.x}: {crossing.below.curve.label} below {crossing.above.curve.label}"
        drawing.ring(across(crossing.x), up(y), AXIS, hint)
        drawing.text(across(crossing.x) + 6, up(y) + 14, short(round(crossing.x)), size=10, colour=AXIS)


def vertical_axis(drawing: Drawing, result: FigureResult, top: float) -> Axis:
    """The axis of instructions, with its lines: powers of ten if the curves are steep, else even steps from 0."""
    values = [y for measured in result.measured for _, y in measured.medians]
    if result.figure.is_steep:
        first, last = floor(log10(min(values))), ceil(log10(max(values)))
        marks = [10**power for power in range(first, last + 1)]
    else:
        step = even_step(max(values))
        marks = [step * number for number in range(int(max(values) * HEADROOM / step) + 1)]
    high = marks[-1] if result.figure.is_steep else max(values) * HEADROOM
    up = Axis(marks[0], high, top + BOTTOM, top + TOP, logarithmic=result.figure.is_steep)
    for mark in marks:
        drawing.line(LEFT, up(mark), RIGHT, up(mark), GRID)
        drawing.text(LEFT - 8, up(mark) + 4, f"{mark:,}", size=11, anchor="end", colour=AXIS)
    return up


def even_step(highest: float) -> int:
    """1, 2 or 5 times a power of ten, so that there are four to ten steps."""
    power = int(10 ** floor(log10(max(1.0, highest / 4))))
    return next(step * power for step in (5, 2, 1) if highest / (step * power) >= 4 or step == 1)


def draw_line(
    drawing: Drawing, measured: Measured, across: Axis, up: Axis, colour: str, dashed: bool
) -> None:
    drawing.path([(across(x), up(y)) for x, y in measured.medians], colour, dashed=dashed)
    for x, y in measured.medians:
        hint = f"{measured.curve.label}, {measured.kernel}, {x:,}: {y:,g}"
        drawing.box(across(x) - 2, up(y) - 2, 4, 4, colour, hint)


def at(measured: Measured, x: float) -> float:
    """A curve's height at x, straight between its points."""
    points = measured.medians
    right = next(index for index, (place, _) in enumerate(points) if place >= x)
    if right == 0:
        return points[0][1]
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def short(number: int) -> str:
    """`64 Ki` for 65536, where that is exact."""
    for unit, size in (("Mi", 1 << 20), ("Ki", 1 << 10)):
        if number >= size and number % size == 0:
            return f"{number // size} {unit}"
    return f"{number:,}"
