"""What it costs to set the timer: through the firmware (SBI), or through the supervisor's own register (Sstc).

Without Sstc setting it is a call of the firmware; with it, one write of `stimecmp`. The same rows are measured on a processor with
the extension and on one without: those that differ set the timer. A kernel may leave it alone where somebody's time begins, as long
as it rings soon enough; so there is one more row, `deadline`, in which it does not.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from rich import box
from rich.table import Table

from pith.machine.qemu_program import PROCESSOR

from .kernels import Kernel
from .measuring import OnRow, measure
from .rows import ROWS, Row
from .statistics import Summary

DEADLINE: Final = Row("deadline", "signal that wakes a thread whose time ends sooner", 1245)
MEASURED: Final = (DEADLINE, *ROWS)
WITHOUT_SSTC: Final = f"{PROCESSOR},sstc=off"


class TimerCost(NamedTuple):
    """A row on one kernel, on a processor with Sstc and on one without."""

    kernel: str
    row: Row
    with_sstc: Summary
    without: Summary

    @property
    def difference(self) -> float:
        return self.without.median - self.with_sstc.median


def measure_timer(kernel: Kernel, on_row: OnRow) -> list[TimerCost]:
    """Measure every row on both processors."""
    with_sstc, without = (
        measure(kernel, (DEADLINE,), on_row, cpu) | measure(kernel, ROWS, on_row, cpu)
        for cpu in (PROCESSOR, WITHOUT_SSTC)
    )
    return [TimerCost(kernel.name, row, with_sstc[row.name], without[row.name]) for row in MEASURED]


def timer_table(costs: list[TimerCost]) -> Table:
    """The rows that differ, and how many do not."""
    differing = [cost for cost in costs if cost.difference]
    table = Table(
        title="\nSetting the timer: retired instructions",
        title_justify="left",
        caption=f"The other {len(costs) - len(differing)} rows take the same with and without Sstc: they set no timer.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("row")
    table.add_column("kernel", overflow="fold")
    for heading in ("Sstc", "SBI", "difference"):
        table.add_column(heading, justify="right")
    for cost in differing:
        figures = (cost.with_sstc.median, cost.without.median, cost.difference)
        table.add_row(cost.row.name, cost.kernel, *(f"{figure:g}" for figure in figures))
    return table


def to_json(costs: list[TimerCost]) -> str:
    results = [
        {
            "Row": cost.row.name,
            "Kernel": cost.kernel,
            "Sstc": cost.with_sstc.median,
            "SBI": cost.without.median,
            "Difference": cost.difference,
        }
        for cost in costs
    ]
    return json.dumps(results, indent=2)
