"""Figures as JSON: the shape of the table's (json_report.py), with the place on the curve as one more column."""

from __future__ import annotations

import json

from .boot import Boot
from .figures import FigureResult, crossings
from .json_report import numbers


def to_json(results: list[FigureResult], boots: list[Boot]) -> str:
    """A benchmark a figure, and one of the kernels' boots if there are any."""
    benchmarks = [benchmark(result) for result in results]
    if boots:
        entries = [
            {
                "Kernel": boot.kernel,
                "Instructions": boot.instructions,
                "Firmware calls": boot.firmware_calls,
                "Instructions since power-on": boot.reached,
                "Seconds": boot.seconds,
            }
            for boot in boots
        ]
        benchmarks.append({"Benchmark": "Boot to the initial thread", "Results": entries})
    return json.dumps(benchmarks, indent=2, ensure_ascii=False)


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
