"""What is measured: every row, and what seL4 16 (MCS, riscv64, release, one core) costs there.

`seL4` is the figure that this benchmark's own program finds on that kernel, so it is what a ratio is taken against. `published`
is the figure as it was first written down, for the rows that were; docs/measuring.md says why the two differ by a
few instructions where they do.

A row belongs to a scenario, the part of its name before the point: the scenarios are what the program runs. A sample of a scenario
consists of stretches, each from one stamp to the next through the kernel; `stretches` are the row's own, in the
sample `sample` (counted from the last), and a trace shows these. What stands between stretches, or is nobody's, shows in
the scenario's whole loop: a row `.loop`, for which nobody published a figure, and for which nothing is forced.
"""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from pith import UserError


class Row(NamedTuple):
    """One line of the table."""

    name: str
    work: str
    seL4: int | None
    published: int | None = None
    stretches: tuple[int, ...] = (0,)
    sample: int = -1
    with_user: bool = False  # what user programs do between the stretches counts too

    @property
    def scenario(self) -> str:
        return self.name.partition(".")[0]

    @property
    def uses_float(self) -> bool:
        return self.scenario.startswith("float-")

    @property
    def is_loop(self) -> bool:
        return self.name.endswith(".loop")


class Group(NamedTuple):
    """Rows that belong together, under one heading."""

    heading: str
    rows: tuple[Row, ...]


def _call(
    scenario: str, there: int, back: int, published: tuple[int | None, int | None, int]
) -> tuple[Row, ...]:
    words = scenario.rpartition("-")[2]
    return (
        Row(f"{scenario}.there", f"call, {words} words: one way", there, published[0]),
        Row(f"{scenario}.back", f"reply-receive, {words} words: one way", back, published[1], (1,)),
        Row(f"{scenario}.round-trip", f"{words} words: round trip", there + back, published[2], (0, 1)),
    )


def _fault(
    scenario: str, figures: tuple[int, int, int, int], published: tuple[int | None, ...]
) -> tuple[Row, ...]:
    return (
        Row(f"{scenario}.to-handler", "fault to the pager", figures[0], published[0]),
        Row(f"{scenario}.map", "the pager's map call", figures[1], published[1], (1,)),
        Row(f"{scenario}.resumption", "reply to resumption", figures[2], published[2], (2,)),
        Row(f"{scenario}.whole", "whole", figures[3], published[3], (0, 1, 2), with_user=True),
    )


def _loop(scenario: str, work: str, sample: int = -1) -> Row:
    """A round of so many samples, counted from the last."""
    return Row(f"{scenario}.loop", work, None, sample=sample, with_user=True)


_STAMPED: Final = (
    Group(
        "Call and reply-receive, other address space, passive server",
        (
            *_call("call-0", 364, 444, (364, 444, 808)),
            *_call("call-4", 387, 467, (387, 467, 854)),
            *_call("call-5", 1379, 1643, (None, None, 3022)),
            *_call("call-10", 1409, 1673, (None, None, 3082)),
            *_call("call-64", 1733, 1997, (None, None, 3730)),
            *_call("call-120", 2069, 2333, (None, None, 4402)),
        ),
    ),
    Group(
        "The same, active server of higher priority",
        (
            *_call("active-call-0", 1767, 1833, (None, None, 3600)),
            *_call("active-call-120", 2394, 2439, (None, None, 4833)),
        ),
    ),
    Group(
        "Calls that meet nobody",
        (
            Row("null-send", "non-blocking send on a null capability", 481, 481),
            Row("nb-send", "non-blocking send, nobody waiting", 580, 580),
            Row("nb-receive", "non-blocking receive, nobody sending", 489, 489),
            Row("poll", "poll, inactive notification", 388, 388),
            Row("signal", "signal, nobody waiting", 563, 563),
            Row("yield", "yield, alone", 960, 960),
        ),
    ),
    Group(
        "Signals that wake",
        (
            Row("wake.signal", "signal that wakes a higher-priority waiter", 1223, 1223),
            Row("wake.wait", "the wait that gives the processor back", 1147, 1147, (1,)),
            Row("ping-pong", "signal-wait ping-pong, equal priorities", 4132, 4176, (0, 1, 2, 3)),
        ),
    ),
    Group(
        "Page fault, passive pager", _fault("fault-passive", (963, 837, 1568, 3397), (963, 850, 1567, 3411))
    ),
    Group(
        "Page fault, active pager", _fault("fault-active", (1288, 837, 1756, 3910), (None, None, None, 3924))
    ),
    Group(
        "Interrupt",
        (
            Row("interrupt.to-handler", "device to handler thread", 951, 950),
            Row("interrupt.acknowledge", "acknowledge", 603, 615, (1,)),
            Row("interrupt.there-and-back", "preempt, handle, resume", 2098, 2114, (0, 2)),
        ),
    ),
    Group(
        "Capabilities and objects",
        (
            Row("copy.make", "CNode copy", 1005, 1020, sample=-2),
            Row("mint.make", "CNode mint", 1031, 1047, sample=-2),
            Row("copy.delete", "CNode delete", 961, 973),
            Row("mint.delete", "CNode delete, of a minted capability", 961),
            Row("retype-endpoint", "retype endpoint", 1125, 1142),
            Row("retype-tcb", "retype TCB", 1131, 1147),
            Row("retype-page", "retype 4 KiB page", 1138, 1155),
            Row("delete-endpoint", "delete last capability: endpoint", 1004, 1016),
            Row("delete-tcb", "delete last capability: TCB", 2538, 2550),
            Row("page.map", "page map", 837, 851, sample=-2),
            Row("page.unmap", "page unmap", 789, 801),
            Row("configure", "SchedControl configure", 709, 725),
            Row("set-priority", "TCB set priority", 703, 717),
            Row("suspend", "TCB suspend", 692, 704),
        ),
    ),
)

_FLOATS: Final = Group(
    "A call and its answer with floating point, the whole loop",
    (
        _loop("float-none", "no side uses it"),
        _loop("float-client", "the client uses it"),
        _loop("float-both", "both sides use it"),
        _loop("float-both-10", "both sides, 10 words"),
        _loop("float-both-active", "both sides, active server"),
        _loop("float-stops", "the server has just stopped using it"),
        _loop("float-preemption", "an interrupt: its handler uses it, and the interrupted thread"),
    ),
)

# The scenarios in their order, with how many samples a round of theirs has: the first row's is the earliest.
_ROUNDS: Final = {row.scenario: row.sample for group in reversed(_STAMPED) for row in reversed(group.rows)}

_LOOPS: Final = Group(
    "The whole loop of every scenario",
    tuple(_loop(scenario, scenario, _ROUNDS[scenario]) for scenario in reversed(_ROUNDS)),
)

GROUPS: Final = (*_STAMPED, _FLOATS, _LOOPS)

ROWS: Final = tuple(row for group in GROUPS for row in group.rows)

# Instruction sequences whose length is known: the counter must count exactly these.
CALIBRATION: Final = "calibration"


def matching(*patterns: str) -> tuple[Row, ...]:
    """The rows whose name, or the beginning of whose name, matches a shell pattern, in their order.

    Raises UserError for a pattern that none matches.
    """
    found: set[Row] = set()
    for pattern in patterns:
        these = [row for row in ROWS if row.name == pattern] or [
            row for row in ROWS if fnmatchcase(row.name, pattern) or fnmatchcase(row.scenario, pattern)
        ]
        if not these:
            names = list(dict.fromkeys(name for row in ROWS for name in (row.name, row.scenario)))
            near = get_close_matches(pattern, names, n=3)
            others = f"one of these, or a pattern such as 'call-*': {', '.join(row.name for row in ROWS)}"
            raise UserError(f"no row is called `{pattern}`", " or ".join(near) if near else others)
        found.update(these)
    return tuple(row for row in ROWS if row in found)


def one(name: str) -> Row:
    """The row of this name. Raises UserError for a pattern that means several."""
    found = matching(name)
    if len(found) > 1:
        names = ", ".join(row.name for row in found)
        raise UserError(f"`{name}` means several rows", f"name one: {names}")
    return found[0]
