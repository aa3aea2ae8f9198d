"""Samples, and what is said of many."""

from __future__ import annotations

import statistics
from typing import NamedTuple


class Summary(NamedTuple):
    """A row's samples in the numbers that sel4bench reports."""

    minimum: int
    maximum: int
    mean: float
    deviation: float
    variance: float
    mode: int
    median: float
    first_quartile: float
    third_quartile: float
    samples: tuple[int, ...]

    @property
    def varies(self) -> bool:
        return self.minimum != self.maximum


def summarise(samples: tuple[int, ...]) -> Summary:
    quartiles = (
        statistics.quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else [samples[0]] * 3
    )
    return Summary(
        minimum=min(samples),
        maximum=max(samples),
        mean=statistics.fmean(samples),
        deviation=statistics.stdev(samples) if len(samples) > 1 else 0.0,
        variance=float(statistics.variance(samples)) if len(samples) > 1 else 0.0,
        mode=statistics.mode(samples),
        median=statistics.median(samples),
        first_quartile=quartiles[0],
        third_quartile=quartiles[2],
        samples=samples,
    )


def geometric_mean(ratios: list[float]) -> float:
    return statistics.geometric_mean(ratios)
