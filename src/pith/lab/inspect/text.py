"""Reports on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.tree import Tree as RichTree

from .report import Report, Table, Tree

WIDTH_OF_FILES = 140
NARROW = 14  # columns of so few characters are never wrapped


def print_reports(reports: Iterable[Report], console: Console | None = None) -> None:
    """Print each report under its title."""
    console = console or _console()
    for report in reports:
        console.print(f"\n[bold]{escape(report.title)}[/bold]")
        for part in report.parts:
            console.print(_table(part) if isinstance(part, Table) else _tree(part))
        if not report.parts:
            console.print(f"[dim]{escape(report.empty)}[/dim]")


def _console() -> Console:
    """The terminal; a file or a pipe is as wide as the tables would like."""
    console = Console(highlight=False)
    return (
        console if console.is_terminal else Console(highlight=False, width=max(console.width, WIDTH_OF_FILES))
    )


def _table(part: Table) -> RichTable | str:
    title = f"[italic]{escape(part.title)}[/italic]" if part.title else None
    if not part.rows:
        return f"{title or ''} [dim]{escape(part.empty)}[/dim]"
    table = RichTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column, cells in zip(part.columns, zip(*part.rows, strict=True), strict=True):
        is_narrow = max(map(len, cells)) <= NARROW
        table.add_column(column, overflow="fold", no_wrap=is_narrow)
    for row in part.rows:
        table.add_row(*map(escape, row))
    return table


def _tree(part: Tree) -> RichTree:
    tree = RichTree(escape(part.label), guide_style="dim")
    pending = [(tree, part)]
    while pending:
        branch, node = pending.pop()
        for child in node.children:
            pending.append((branch.add(escape(child.label)), child))
    return tree
