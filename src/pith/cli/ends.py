"""Every way in which a machine can end, and what becomes of the command then: its exit status, and what is told.

The table below is all of them. Two ends are no run's and stand elsewhere: a machine that does not start (a UserError, status 1), and
a kernel that raised a Python exception on the hosted machine (status 1, with its traceback: `errors.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from pith import UserError
from pith.machine import Ending, Machine

PDB: Final = " --machine hosted --pdb fault"


class Way(Enum):
    """How it came to an end, as far as the command goes."""

    LEFT = "Ctrl-A X, or `q` in pdb"
    HALTED = "a program ended the machine with a status, or the kernel panicked, with a line that says where"
    FAULT = "nothing can run any more, or nothing but what waits for input, and a program stopped at a fault"
    ASLEEP = "nothing can run any more"
    INPUT_OVER = "what can run waits for input, and there will be no more"
    TIMED_OUT = "the time that --timeout gives is over"
    INTERRUPTED = "Ctrl-C"
    KILLED = "QEMU was ended by somebody else, or gave up"


class End(NamedTuple):
    """What the command makes of it. In texts, the fields of `Told`."""

    status: int | None  # None: the machine's own
    message: str = ""  # after `pith: `; empty: nothing is said
    remedy: str = ""


ENDS: Final = {
    Way.LEFT: End(0),
    Way.HALTED: End(None),
    Way.FAULT: End(1, "{faults}, and nothing runs any more", "{fault_remedy}"),
    Way.ASLEEP: End(0, Ending.ASLEEP.value),
    Way.INPUT_OVER: End(0, Ending.INPUT_OVER.value),
    Way.TIMED_OUT: End(
        124, "stopped after {seconds:g} seconds{where}{faults_too}", "give it more: --timeout SECONDS"
    ),
    Way.INTERRUPTED: End(130, "interrupted{where}{faults_too}"),
    Way.KILLED: End(
        1,
        "{killed_by}",
        "if nobody did it, the computer may have been short of memory: give the machine less: --memory",
    ),
}
WAYS: Final = {
    None: Way.LEFT,
    Ending.EXIT: Way.HALTED,
    Ending.ASLEEP: Way.ASLEEP,
    Ending.INPUT_OVER: Way.INPUT_OVER,
    Ending.SECONDS: Way.TIMED_OUT,
    Ending.KILLED: Way.KILLED,
}


class Ended(UserError):
    """The machine ended in a way that has a status other than 0."""

    def __init__(self, status: int, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.exit_code = status


class Run(NamedTuple):
    """What the words need to know of what was started."""

    machine: Machine
    elves: Sequence[Path]  # of all programs, with their debug information
    kernel: Path | None  # the compiled kernel's ELF
    command: str
    seconds: float | None


def conclude(way: Way, run: Run) -> int:
    """Say how the machine ended; the status if that is 0 or the machine's own. Raises Ended for any other."""
    from pith.lab.postmortem import Stood, stands_at_faults, where  # here, for it imports the kernel

    faults: list[Stood] = []
    place = ""
    if way in (Way.ASLEEP, Way.INPUT_OVER, Way.TIMED_OUT, Way.INTERRUPTED):
        nothing_runs = way in (Way.ASLEEP, Way.INPUT_OVER)
        faults = stands_at_faults(run.machine, run.elves, nothing_runs=nothing_runs)
    if way in (Way.TIMED_OUT, Way.INTERRUPTED):
        place = where(run.machine, run.elves, run.kernel)
    if faults and way in (Way.ASLEEP, Way.INPUT_OVER):
        way = Way.FAULT
    told = "; ".join(fault.sentence for fault in faults)
    end = ENDS[way]
    words = {
        "faults": told,
        "faults_too": f"; before, {told}" if faults else "",
        "fault_remedy": next((f.remedy for f in faults if f.remedy), f"to stop there: {run.command}{PDB}"),
        "where": f", {place}" if place else "",
        "seconds": run.seconds,
        "killed_by": run.machine.killed_by,
    }
    message, remedy = end.message.format_map(words), end.remedy.format_map(words)
    if end.status:
        raise Ended(end.status, message, remedy)
    if message:
        print(f"\npith: {message}", file=sys.stderr)
    return 0 if end.status == 0 else run.machine.exit_status or 0
