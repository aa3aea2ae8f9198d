"""Results as JSON, in the shape that seL4's own benchmark suite prints, so that scripts for that read it.

That shape is a list of benchmarks, each with a list of results, each with the same dozen of statistics and
whatever columns say which result it is. Here a benchmark is a group of rows; the columns are the row, the kernel,
and what it is compared with.
"""

from __future__ import annotations

import json

from .results import Report, Result
from .rows import GROUPS
from .statistics import Summary


def to_json(report: Report) -> str:
    by_row = {result.row.name: result for result in report.results}
    benchmarks = []
    for group in GROUPS:
        shown = [by_row[row.name] for row in group.rows if row.name in by_row]
        if shown:
            results = [entry for result in shown for entry in entries(report, result)]
            benchmarks.append({"Benchmark": group.heading, "Results": results})
    return json.dumps(benchmarks, indent=2, ensure_ascii=False)


def entries(report: Report, result: Result) -> list[dict[str, object]]:
    """The row on our kernel, and on the other if there was one."""
    own = {
        **columns(report.own_name, result),
        "seL4": result.row.seL4,
        "Published": result.row.published,
        "Ratio": None if result.ratio is None else round(result.ratio, 4),
        "Floor": result.floor,
        "Above floor": result.above_floor,
        **numbers(result.own),
    }
    if result.peer is None or report.peer_name is None:
        return [own]
    return [own, {**columns(report.peer_name, result), **numbers(result.peer)}]


def columns(kernel: str, result: Result) -> dict[str, object]:
    return {"Row": result.row.name, "Work": result.row.work, "Kernel": kernel}


def numbers(summary: Summary) -> dict[str, object]:
    return {
        "Min": summary.minimum,
        "Max": summary.maximum,
        "Mean": summary.mean,
        "Stddev": summary.deviation,
        "Variance": summary.variance,
        "Mode": summary.mode,
        "Median": summary.median,
        "1st quantile": summary.first_quartile,
        "3rd quantile": summary.third_quartile,
        "Samples": len(summary.samples),
        "Raw results": list(summary.samples),
    }
