"""What a run of `pith bench` found out: one entry a row, for every kernel that it ran on."""

from __future__ import annotations

from typing import NamedTuple

from . import floor
from .rows import Row
from .statistics import Summary, geometric_mean


class Result(NamedTuple):
    """A row, measured. `peer` is the same program on the kernel that --against named."""

    row: Row
    own: Summary
    peer: Summary | None = None

    @property
    def comparison(self) -> float | None:
        """What a ratio is taken against: the other kernel's figure from this very run, else seL4's, if it is known."""
        return self.peer.median if self.peer else self.row.seL4

    @property
    def ratio(self) -> float | None:
        return None if self.comparison is None else self.own.median / self.comparison

    @property
    def floor(self) -> int | None:
        """None for a whole loop, much of which is user code."""
        return None if self.row.is_loop else floor.of(self.row)

    @property
    def above_floor(self) -> float | None:
        """The price of the kernel's own work."""
        return None if self.floor is None else self.own.median - self.floor


class Report(NamedTuple):
    """All results, and the names of the kernels that they came from."""

    own_name: str
    peer_name: str | None
    results: tuple[Result, ...]

    @property
    def mean_ratio(self) -> float | None:
        """The geometric mean over the rows that have a published figure: the others are parts of these. Of the others if
        there are only such; None if there is nothing to compare with."""
        compared = [
            (result.row.published, result.ratio) for result in self.results if result.ratio is not None
        ]
        published = [ratio for figure, ratio in compared if figure is not None]
        ratios = published or [ratio for _, ratio in compared]
        return geometric_mean(ratios) if ratios else None


def combine(
    rows: tuple[Row, ...],
    own: tuple[str, dict[str, Summary]],
    peer: tuple[str, dict[str, Summary]] | None,
) -> Report:
    """Put side by side what the kernels measured."""
    results = [Result(row, own[1][row.name], peer[1][row.name] if peer else None) for row in rows]
    return Report(own[0], peer[0] if peer else None, tuple(results))
