"""What is to be shown, without saying how: a report has a title, and tables and trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec

from pith.verify.census import UNREADABLE

P = ParamSpec("P")


@dataclass
class Table:
    """Rows of cells under column heads; `empty` is said where there are no rows."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    title: str = ""
    empty: str = "none"


@dataclass
class Tree:
    """A label, and what hangs under it."""

    label: str
    children: list[Tree] = field(default_factory=list)

    def size(self) -> int:
        """How many labels there are in all."""
        return 1 + sum(child.size() for child in self.children)


@dataclass
class Report:
    """One subject's tables and trees, in order."""

    title: str
    parts: list[Table | Tree] = field(default_factory=list)
    empty: str = "nothing to show"


def readable(show: Callable[P, str], *arguments: P.args, **keywords: P.kwargs) -> str:
    """The text that `show(...)` gives, or why what it shows cannot be read: one corrupt word must not hide the rest."""
    try:
        return show(*arguments, **keywords)
    except UNREADABLE as problem:
        return f"unreadable: {problem}"
