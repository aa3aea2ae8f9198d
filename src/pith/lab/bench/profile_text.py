"""A profile as text: functions, then source lines, the costliest first."""

from __future__ import annotations

import linecache
from pathlib import Path

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
    table = Table()
    table.add_column("function", overflow="fold")
    table.add_column("instructions", justify="right")
    table.add_column("share", justify="right")
    for name, count in profile.functions.most_common():
        table.add_row(Text(name), str(count), f"{count / profile.total:.1%}")
    return table


def lines(profile: Profile, most: int) -> Table | Text:
    if not profile.lines:
        return Text("This kernel's ELF has no debug information, so there are no source lines.")
    table = Table()
    table.add_column("line", no_wrap=True)
    table.add_column("instructions", justify="right")
    table.add_column("source", no_wrap=True, overflow="ellipsis")
    for line, count in profile.lines.most_common(most):
        table.add_row(place(line), str(count), Text(linecache.getline(line.file, line.number).strip()))
    return table


def place(line: Line) -> str:
    """The file's last two names are enough to know it by."""
    return f"{Path(*Path(line.file).parts[-2:])}:{line.number}"
