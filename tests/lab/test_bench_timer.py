"""What setting the timer costs, with and without Sstc."""

import json

import pytest
from rich.console import Console

from pith.lab.bench.rows import one
from pith.lab.bench.statistics import summarise
from pith.lab.bench.timer import MEASURED, TimerCost, timer_table, to_json
from tests.cli.conftest import Pith, pith  # noqa: F401


def costs() -> list[TimerCost]:
    same, more = summarise((300, 300)), summarise((620, 620))
    return [TimerCost("Pith", one("yield"), same, more), TimerCost("Pith", one("poll"), same, same)]


def test_only_rows_that_differ_are_shown() -> None:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(timer_table(costs()))
    lines = captured.get().splitlines()
    assert ["yield", "Pith", "300", "620", "320"] in [line.split() for line in lines]
    assert not any(line.startswith(" poll") for line in lines)
    assert any("The other 1 rows" in line for line in lines)


def test_json_has_all_rows() -> None:
    found = json.loads(to_json(costs()))
    assert [(entry["Row"], entry["Difference"]) for entry in found] == [("yield", 320), ("poll", 0)]


@pytest.mark.qemu
@pytest.mark.slow
def test_a_call_of_the_firmware_costs_hundreds(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "timer", "--json")
    assert ended.code == 0, ended.err
    found = {entry["Row"]: entry for entry in json.loads(ended.out)}
    assert len(found) == len(MEASURED)
    assert found["deadline"]["Difference"] > 300  # it sets the timer
    assert found["null-send"]["Difference"] == 0  # it does not
