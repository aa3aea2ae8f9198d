"""Time as a program sees it, on both machines: the domain schedule, and clocks of all frequencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from pith.machine import Ending, board, device_tree
from pith.system.components import build_program
from tests.patience import ENOUGH
from tests.system.conftest import MEMORY, Start

PROGRAMS = Path(__file__).parent / "programs"


def test_the_domain_schedule_of_one_domain(start: Start) -> None:
    machine = start(build_program(PROGRAMS / "domain_schedule.c"))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    told = [line for line in machine.output.replace("\r", "").splitlines() if ": error " in line]
    assert told == [
        *("entry 98: error 0", "entry 99: error 4", "entry 100: error 4"),
        *("start 98: error 0", "start 99: error 4", "start 100: error 4"),
        *(f"ticks {4096 >> shift}: error 0" for shift in range(13)),
    ]


# The machines' clocks tick as ever; what the tree says of them is what the kernel reckons with.


def tree_with(frequency: int) -> bytes:
    tree = device_tree.flatten(device_tree.virt(MEMORY))
    usual = board.TICKS_PER_SECOND.to_bytes(4, "big")
    assert tree.count(usual) == 1
    return tree.replace(usual, frequency.to_bytes(4, "big"))


def test_a_clock_of_32768_hz(start: Start) -> None:
    """Budgets shorter than two of its ticks are refused, and longer ones used: the machine lives."""
    machine = start(build_program(PROGRAMS / "coarse_clock.c"), tree_with(32_768))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    told = [line for line in machine.output.replace("\r", "").splitlines() if " us: " in line]
    assert told == [
        "20 us: error 4, 62 or more",
        "61 us: error 4, 62 or more",
        "62 us: error 0",
        "1000 us: error 0",
    ]
    assert "the other thread ran" in machine.output


@pytest.mark.parametrize("frequency", [1, 1000, 9_999])
def test_a_clock_too_slow_to_keep_budgets_by(start: Start, frequency: int) -> None:
    machine = start(build_program(PROGRAMS / "coarse_clock.c"), tree_with(frequency))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT and machine.exit_status == 1
    assert "timebase-frequency must be 10,000 to 10,000,000,000 Hz" in machine.output
