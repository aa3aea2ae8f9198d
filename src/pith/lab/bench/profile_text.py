"""A profile as text: functions, then source lines, the costliest first."""

from __future__ import annotations

import linecache
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from .profile import Profile
from .symbols import Line


def profile_text(profile: Profile, most_lines: int) -> Group:
    return Group(Text(headline(profile)), functions(profile), lines(profile, most_lines))


def headline(profile: Profile) -> str:
    note = "" if profile.total == profile.counted else f"; the counter says {profile.counted}"
    return (
        f"{profile.name}: {profile.total} instructions{note}, "
        f"the kernel's in {profile.cache_lines} cache lines of 64 bytes"
    )


def functions(profile: Profile) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("instructions", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    for name, count in profile.functions.most_common():
        table.add_row(str(count), f"{count / profile.total:.1%}", Text(name))
    return table


def lines(profile: Profile, most: int) -> Text:
    """One line of text a source line, cut at the terminal's edge."""
    if not profile.lines:
        return Text("This kernel's ELF has no debug information, so there are no source lines.")
    shown = [(count, place(line), line) for line, count in profile.lines.most_common(most)]
    widest = max(len(where) for _, where, _ in shown)
    text = [f"{count:>14}   {where:<{widest}}   {source(line)}" for count, where, line in shown]
    return Text("\n".join([f"{'instructions':>14}   line", *text]), no_wrap=True, overflow="ellipsis")


def place(line: Line) -> str:
    """The file's last two names are enough to know it by."""
    return f"{Path(*Path(line.file).parts[-2:])}:{line.number}"


def source(line: Line) -> str:
    return linecache.getline(line.file, line.number).strip()
