"""Curves: what grows with what, and where two ways of doing the same cross.

A figure is one scenario of the program's; each of its curves is measured at several places x. The program reports a place as
the row CURVE.X.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from pith import UserError

from .kernels import Kernel
from .measuring import OnRow, Samples, run
from .statistics import Summary, summarise

ALIKE: Final = 0.01  # two figures that differ by less than this part are the same path, but for a loop's end


class Curve(NamedTuple):
    """A name in the program, and what is measured."""

    name: str
    label: str


class Figure(NamedTuple):
    """Curves over the same axis.

    `is_steep`: they grow with x, so that only a logarithm shows them all. `are_rivals`: they do the same work, so that
    it matters where they cross.
    """

    scenario: str
    title: str
    x: str
    places: int  # how many x there are
    curves: tuple[Curve, ...]
    is_steep: bool = False
    are_rivals: bool = False


class Measured(NamedTuple):
    """A curve on one kernel: a summary for each x, in order."""

    kernel: str
    curve: Curve
    points: dict[int, Summary]

    @property
    def medians(self) -> list[tuple[int, float]]:
        return [(x, summary.median) for x, summary in self.points.items()]


class Crossing(NamedTuple):
    """From x on, `above` costs more than `below`, which did not before."""

    x: float
    above: Measured
    below: Measured


class FigureResult(NamedTuple):
    """A figure with its curves on every kernel, our own first."""

    figure: Figure
    measured: tuple[Measured, ...]


def measure_figures(
    kernels: list[Kernel], figures: tuple[Figure, ...], on_row: dict[str, OnRow]
) -> list[FigureResult]:
    """Run the figures' scenarios on each kernel; `on_row` has, by a kernel's name, who hears of every point."""
    scenarios = [figure.scenario for figure in figures]
    samples = {kernel.name: run(kernel, scenarios, on_row.get(kernel.name)) for kernel in kernels}
    return [FigureResult(figure, tuple(curves_in(figure, samples))) for figure in figures]


def curves_in(figure: Figure, samples: dict[str, Samples]) -> Iterator[Measured]:
    """A figure's curves from the samples of each kernel."""
    for kernel, rows in samples.items():
        for curve in figure.curves:
            points = {
                int(x): summarise(row)
                for name, row in rows.items()
                for before, _, x in [name.rpartition(".")]
                if before == curve.name
            }
            if not points:
                raise UserError(f"{kernel} did not measure {curve.name}", "report it, with the output above")
            yield Measured(kernel, curve, dict(sorted(points.items())))


def crossings(result: FigureResult) -> list[Crossing]:
    """Where two rivals on the same kernel cross, taken as straight between their points, by rising x."""
    if not result.figure.are_rivals:
        return []
    found = [
        crossing
        for one, other in combinations(result.measured, 2)
        if one.kernel == other.kernel
        for crossing in crossings_of(one, other)
    ]
    return sorted(found, key=lambda crossing: crossing.x)


def crossings_of(one: Measured, other: Measured) -> Iterator[Crossing]:
    differences = [
        (x, difference(one.points[x].median, other.points[x].median)) for x in one.points if x in other.points
    ]
    for (x, before), (next_x, after) in pairwise(differences):
        if after and before * after <= 0:
            place = x + (next_x - x) * before / (before - after)
            yield Crossing(place, *((one, other) if after > 0 else (other, one)))


def difference(one: float, other: float) -> float:
    """By how much one is more than the other; nothing if they are alike."""
    return 0 if abs(one - other) <= ALIKE * max(one, other) else one - other


DATA: Final = Figure(
    "data",
    "Instructions to move data to another address space",
    "bytes",
    18,
    (
        Curve("data.registers", "registers"),
        Curve("data.message", "IPC buffer"),
        Curve("data.shared", "shared memory"),
    ),
    is_steep=True,
    are_rivals=True,
)

SCALING: Final = (
    Figure(
        "threads",
        "Instructions while other threads, of lower priority, are ready",
        "threads",
        5,
        (
            Curve("threads.call", "call, answer"),
            Curve("threads.wake", "signal, wait"),
        ),
    ),
    Figure(
        "priorities",
        "Instructions while threads of so many priorities are ready",
        "priorities",
        9,
        (
            Curve("priorities.resume", "resume"),
            Curve("priorities.suspend", "suspend"),
            Curve("priorities.wake", "signal, wait"),
        ),
    ),
    Figure(
        "depth",
        "Instructions to signal by a capability so deep in a capability space",
        "levels",
        7,
        (Curve("depth.signal", "signal"),),
    ),
    Figure(
        "revoke",
        "Instructions to revoke copies of a capability, and that an interrupt waits meanwhile",
        "copies",
        5,
        (
            Curve("revoke.cost", "revoke"),
            Curve("revoke.delay", "longest wait"),
            Curve("revoke.user", "in user code"),
        ),
        is_steep=True,
    ),
)

# In a run by itself, for it needs nearly all memory.
DELAYS: Final = Figure(
    "delays",
    "Instructions that an interrupt waits, at most, while the kernel does something long",
    "objects",
    5,
    (
        Curve("delay.clear", "clear pages"),
        Curve("delay.retype", "make threads"),
        Curve("delay.endpoint", "end endpoint"),
        Curve("delay.notification", "end notifi- cation"),
        Curve("delay.cancel", "cancel badged sends"),
        Curve("delay.priority", "set priority in queue"),
        Curve("delay.cnode", "end CNode"),
        Curve("delay.threads", "end threads"),
        Curve("delay.space", "end space"),
        Curve("delay.revoke", "revoke untyped"),
        Curve("delay.release", "wait for budget"),
        Curve("delay.refills", "merge refills"),
        Curve("delay.domain", "domains"),
    ),
)
