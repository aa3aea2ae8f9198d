"""The rows, against the program that measures them, and the floor under them."""

import re
from collections import Counter

import pytest

from pith import UserError
from pith.cli.bench_ipc import without_float
from pith.cli.errors import UsageError
from pith.lab.bench import floor
from pith.lab.bench.building import SOURCES
from pith.lab.bench.rows import ROWS, matching, one


def names_in_program() -> set[str]:
    """Every string of the program's, and what its macros make of a scenario's name."""
    text = "\n".join(file.read_text() for file in SOURCES.glob("*.c"))
    found = set(re.findall(r'"([a-z0-9.-]+)"', text))
    for macro in ("CALLS", "FAULTS", "FLOATS"):
        definition = re.search(rf"#define {macro}\((?:.*\\\n)*.*", text)
        assert definition
        endings = re.findall(r'name "(\.[a-z-]+)"', definition[0])
        found |= {
            name + ending for name in re.findall(rf'{macro}\("([a-z0-9-]+)"', text) for ending in endings
        }
    return found


def test_the_program_knows_every_row() -> None:
    assert {row.name for row in ROWS} - names_in_program() == set()


def test_every_part_that_the_program_reports_is_a_row() -> None:
    scenarios = {row.scenario for row in ROWS}
    parts = {name for name in names_in_program() if name.partition(".")[0] in scenarios and "." in name}
    assert parts - {row.name for row in ROWS} == set()


def test_no_row_stands_there_twice() -> None:
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []


def test_a_round_trip_is_the_way_there_and_the_way_back() -> None:
    figures = {row.name: row.seL4 for row in ROWS}
    trips = [name.removesuffix(".round-trip") for name in figures if name.endswith(".round-trip")]
    assert len(trips) == 8
    for trip in trips:
        assert figures[f"{trip}.round-trip"] == figures[f"{trip}.there"] + figures[f"{trip}.back"]


def test_the_published_figures_are_near_what_the_program_finds() -> None:
    """Nearer than an invocation's stub in C, or eleven instructions for each call of the ping-pong."""
    for row in ROWS:
        if row.published is not None:
            assert abs(row.published - row.seL4) <= (44 if row.name == "ping-pong" else 17), row.name


def test_the_floor_is_below_everybody() -> None:
    assert all(0 < floor.of(row) < row.seL4 for row in ROWS if row.seL4 is not None)


def test_nobody_published_a_whole_loop() -> None:
    assert all((row.seL4 is None) == row.is_loop for row in ROWS)


def test_every_scenario_has_a_whole_loop_with_all_samples_of_a_round() -> None:
    assert {row.scenario for row in ROWS} == {row.scenario for row in ROWS if row.is_loop}
    assert [row.name for row in ROWS if row.is_loop and row.sample == -2] == [
        "copy.loop",
        "mint.loop",
        "page.loop",
    ]


@pytest.mark.parametrize(
    "name, fewest",
    [
        ("call-0.there", 61),
        ("call-4.round-trip", 122),
        ("call-5.round-trip", 126),
        ("poll", 7),
        ("ping-pong", 136),
    ],
)
def test_the_floor_counted_by_hand(name: str, fewest: int) -> None:
    assert floor.of(one(name)) == fewest


def test_a_pattern_names_rows_or_scenarios() -> None:
    assert [row.name for row in matching("wake")] == ["wake.signal", "wake.wait", "wake.loop"]
    assert [row.name for row in matching("*.make")] == ["copy.make", "mint.make"]
    assert matching("*") == ROWS
    assert [row.name for row in matching("wake.wait", "null-send", "wake")] == [
        "null-send",
        "wake.signal",
        "wake.wait",
        "wake.loop",
    ]


def test_a_pattern_that_names_nothing_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UserError, match="no row is called `teleport`") as caught:
        matching("teleport")
    assert "call-0.round-trip" in caught.value.remedy
    with pytest.raises(UserError) as caught:
        matching("cal-0")
    assert caught.value.remedy.startswith("call-0")


def test_a_trace_is_of_one_row() -> None:
    with pytest.raises(UserError, match="`wake` means several rows") as caught:
        one("wake")
    assert caught.value.remedy == "name one: wake.signal, wake.wait, wake.loop"


def test_rows_about_floating_point_are_none_for_threads_that_are_denied_it() -> None:
    left = without_float(ROWS)
    assert {row.name for row in ROWS} - {row.name for row in left} == {
        row.name for row in matching("float-*")
    }
    assert all(row.seL4 is None and row.published is None for row in left), "nobody told what seL4 takes then"
    with pytest.raises(UsageError, match="about floating point"):
        without_float(matching("float-both"))
