"""Figures as JSON: the shape of the table's (json_report.py), with the place on the curve as one more column."""

from __future__ import annotations

import json

from .figures import FigureResult, crossings
from .json_report import numbers


def to_json(results: list[FigureResult]) -> str:
    return json.dumps([benchmark(result) for result in results], indent=2, ensure_ascii=False)


def benchmark(result: FigureResult) -> dict[str, object]:
    points = [
        {"Curve": m.curve.name, "Kernel": m.kernel, result.figure.x: x, **numbers(summary)}
        for m in result.measured
        for x, summary in m.points.items()
    ]
    crossed = [
        {
            "Kernel": c.above.kernel,
            result.figure.x: c.x,
            "Above": c.above.curve.name,
            "Below": c.below.curve.name,
        }
        for c in crossings(result)
    ]
    return {"Benchmark": result.figure.title, "Results": points, "Crossings": crossed}
