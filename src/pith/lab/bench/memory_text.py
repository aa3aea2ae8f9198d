"""A memory report for people: tables of bytes and of cache lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .footprint import LIEDTKE_CODE, LIEDTKE_DATA, Footprint
from .kernel_bytes import OBJECTS, Kind
from .memory import MemoryReport


def memory_text(reports: Sequence[MemoryReport]) -> Group:
    """The kernels beside one another; then each path's lines, the first kernel's first."""
    parts: list[RenderableType] = [bytes_table(reports), objects_table(), lines_table(reports)]
    for report in reports:
        parts += [path_table(report.kernel, path) for path in report.paths]
    return Group(*parts)


def bytes_table(reports: Sequence[MemoryReport]) -> Table:
    table = _table("Bytes of the kernel", "in its ELF")
    for report in reports:
        table.add_column(report.kernel, justify="right")
    for kind in Kind:
        table.add_row(kind, *(f"{report.bytes[kind]:,}" for report in reports))
    table.add_row("in all", *(f"{sum(report.bytes.values()):,}" for report in reports), end_section=True)
    return table


def objects_table() -> Table:
    table = _table("Bytes of an object", "object")
    table.add_column("from its untyped", justify="right")
    table.add_column("used by Pith", justify="right")
    for item in OBJECTS:
        table.add_row(item.name, f"{item.taken:,}", f"{item.used:,}")
    return table


def lines_table(reports: Sequence[MemoryReport]) -> Table:
    """A row a path: the kernel's instructions, and the lines of 64 bytes that it touches."""
    table = _table("Cache lines of 64 bytes that a path touches", "path")
    for heading in ("kernel", "instructions", "code", "data", "of it stored to"):
        table.add_column(heading, justify="left" if heading == "kernel" else "right", min_width=len(heading))
    for report in reports:
        for path in report.paths:
            stored = sum(line.stores > 0 for line in path.data)
            counts = (path.instructions, len(path.code), len(path.data), stored)
            table.add_row(path.name, report.kernel, *map(str, counts))
    table.add_section()
    table.add_row("each way", "Liedtke's", "", str(LIEDTKE_CODE), str(LIEDTKE_DATA), "")
    return table


def path_table(kernel: str, path: Footprint) -> Table:
    """Code by function, in the order of addresses; data line by line."""
    table = _table(f"{path.name} on {kernel}: what stands in its lines", "line")
    for heading in ("lines", "loads", "stores"):
        table.add_column(heading, justify="right")
    table.add_column("contents", overflow="fold")
    for contents, group in groupby(path.code, lambda line: line.contents):
        lines = list(group)
        table.add_row(f"{lines[0].address:#x}", str(len(lines)), "", "", Text(", ".join(contents)))
    table.add_section()
    for line in path.data:
        counts = ("1", str(line.loads), str(line.stores))
        table.add_row(f"{line.address:#x}", *counts, Text("; ".join(line.contents)))
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    return table
