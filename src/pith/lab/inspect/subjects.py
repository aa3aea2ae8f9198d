"""The subjects that can be asked for by name, and what the debugger calls."""

from __future__ import annotations

from collections.abc import Callable

from pith import UserError
from pith.verify.census import Census, take_census

from . import capabilities, derivation, queues, spaces, text, threads, time
from .report import Report, Table

SUBJECTS: dict[str, Callable[[Census], Report]] = {
    "threads": threads.report,
    "caps": capabilities.report,
    "derivation": derivation.report,
    "spaces": spaces.report,
    "queues": queues.report,
    "time": time.report,
}
ALL = "all"


def reports(what: str = ALL) -> list[Report]:
    """The reports on one subject, or on all, in the memory that is attached; what is unreadable comes last."""
    if what not in (ALL, *SUBJECTS):
        raise UserError(f"there is nothing to inspect under `{what}`", f"one of {', '.join(SUBJECTS)}, {ALL}")
    census = take_census()
    made = [make(census) for name, make in SUBJECTS.items() if what in (name, ALL)]
    if census.unreadable:
        rows: list[tuple[str, ...]] = [(v.subject, v.found) for v in census.unreadable]
        made.append(Report("What could not be read", [Table(("where", "why"), rows)]))
    return made


def show(what: str = ALL) -> None:
    """Print a subject, or all of them."""
    text.print_reports(reports(what))
