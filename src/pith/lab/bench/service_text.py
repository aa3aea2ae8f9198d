"""What a service costs in each way, as a table and as JSON."""

from __future__ import annotations

import json

from rich import box
from rich.table import Table

from .service import Cost


def service_table(costs: list[Cost]) -> Table:
    """A row a way; the last column compares with the first way on the same kernel."""
    table = Table(
        title="\nReading 512 bytes of a file in a memory file system: one request",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("the service is")
    table.add_column("kernel", overflow="fold")
    for heading in ("entries", "switches", "instructions", "in kernel", "times"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for cost in costs:
        counts = (cost.entries, cost.switches, cost.instructions, cost.in_kernel + cost.in_firmware)
        times = f"{cost.instructions / first_way(costs, cost).instructions:.1f}"
        table.add_row(cost.way.label, cost.kernel, *map(str, counts), times)
    return table


def first_way(costs: list[Cost], cost: Cost) -> Cost:
    return next(other for other in costs if other.kernel == cost.kernel)


def to_json(costs: list[Cost]) -> str:
    results = [
        {
            "Service": cost.way.scenario,
            "Kernel": cost.kernel,
            "Kernel entries": cost.entries,
            "Address-space switches": cost.switches,
            "Instructions": cost.instructions,
            "In user mode": cost.in_user,
            "In the kernel": cost.in_kernel,
            "In firmware": cost.in_firmware,
            "Counted": cost.counted,
        }
        for cost in costs
    ]
    return json.dumps(results, indent=2)
