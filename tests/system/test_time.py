"""Time as a program sees it, on both machines: the domain schedule."""

from __future__ import annotations

from pathlib import Path

from pith.machine import Ending
from pith.system.components import build_program
from tests.system.conftest import Start

PROGRAMS = Path(__file__).parent / "programs"


def test_the_domain_schedule_of_one_domain(start: Start) -> None:
    machine = start(build_program(PROGRAMS / "domain_schedule.c"))
    assert machine.run(seconds=60) is Ending.EXIT
    told = [line for line in machine.output.replace("\r", "").splitlines() if ": error " in line]
    assert told == [
        *("entry 98: error 0", "entry 99: error 4", "entry 100: error 4"),
        *("start 98: error 0", "start 99: error 4", "start 100: error 4"),
        *(f"ticks {4096 >> shift}: error 0" for shift in range(13)),
    ]
