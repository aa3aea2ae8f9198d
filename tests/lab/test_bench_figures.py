"""Curves: read from samples, crossed, shown in three ways; and those that the program measures."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from pith import UserError
from pith.lab.bench.boot import Boot, until_first_call
from pith.lab.bench.building import SOURCES
from pith.lab.bench.chart import Axis, at, charts, even_step, short
from pith.lab.bench.figures import DATA, DELAYS, SCALING, Curve, Figure, FigureResult, crossings, curves_in
from pith.lab.bench.figures_json import to_json
from pith.lab.bench.figures_text import boot_table, figures_text
from tests.cli.conftest import Pith, pith  # noqa: F401

SVG = "{http://www.w3.org/2000/svg}"
CURVES = (Curve("f.slow", "slow"), Curve("f.fast", "fast"))
FIGURE = Figure("f", "A figure", "bytes", 3, CURVES, is_steep=True, are_rivals=True)
SAMPLES = {
    "calibration.0": (0, 0),
    "f.slow.8": (100, 100),
    "f.slow.64": (400, 400),
    "f.slow.16": (200, 202),
    "f.fast.8": (300, 300),
    "f.fast.16": (301, 301),
    "f.fast.64": (302, 302),
}


def result(*kernels: str) -> FigureResult:
    return FigureResult(FIGURE, tuple(curves_in(FIGURE, dict.fromkeys(kernels or ("Pith",), SAMPLES))))


def test_a_curve_is_its_rows_by_rising_x() -> None:
    slow, fast = result().measured
    assert slow.medians == [(8, 100), (16, 201), (64, 400)]
    assert (fast.curve.label, fast.kernel, list(fast.points)) == ("fast", "Pith", [8, 16, 64])


def test_a_curve_that_was_not_measured_is_missed() -> None:
    with pytest.raises(UserError, match=r"Pith did not measure f\.fast"):
        list(curves_in(FIGURE, {"Pith": {"f.slow.8": (1,)}}))


def test_curves_cross_between_the_points_where_they_change_places() -> None:
    [crossing] = crossings(result())
    assert crossing.x == pytest.approx(16 + 48 * 100 / 198)
    assert (crossing.below.curve.label, crossing.above.curve.label) == ("fast", "slow")


def test_curves_that_part_cross_at_the_last_point_that_they_share() -> None:
    rows = {"f.slow.8": (100,), "f.slow.16": (1001,), "f.slow.32": (2000,)}
    rows |= {"f.fast.8": (100,), "f.fast.16": (1000,), "f.fast.32": (1100,)}
    [crossing] = crossings(FigureResult(FIGURE, tuple(curves_in(FIGURE, {"Pith": rows}))))
    assert crossing.x == 16


def test_curves_of_two_kernels_do_not_cross() -> None:
    assert len(crossings(result("Pith", "other"))) == 2


def test_curves_that_are_no_rivals_do_not_cross() -> None:
    assert crossings(result()._replace(figure=FIGURE._replace(are_rivals=False))) == []


def shown(*kernels: str, width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(figures_text([result(*kernels)]))
    return captured.get()


def test_the_table_has_a_line_for_each_x_and_says_where_curves_cross() -> None:
    lines = shown().splitlines()
    assert ["16", "201", "301"] in [line.split() for line in lines]
    assert "Medians of 2 samples, which differ by at most 1.00%." in lines
    assert "Pith, from 40 bytes on: fast below slow" in lines
    assert ["16", "201", "301", "201", "301"] in [line.split() for line in shown("Pith", "b").splitlines()]


def test_more_curves_than_a_line_has_room_for_are_a_table_for_each_kernel() -> None:
    text = shown("Pith", "kernel.release.elf", "another", width=80)
    assert [line.split() for line in text.splitlines()].count(["16", "201", "301"]) == 3
    assert [
        f"A figure: {name}" in " ".join(text.split()) for name in ("Pith", "kernel.release.elf", "another")
    ] == [True] * 3


def test_json_has_every_point_and_crossing() -> None:
    [benchmark] = json.loads(to_json([result("Pith", "other")], []))
    assert len(benchmark["Results"]) == 12
    point = benchmark["Results"][1]
    assert (point["Curve"], point["Kernel"], point["bytes"], point["Median"]) == ("f.slow", "Pith", 16, 201)
    assert [crossing["Kernel"] for crossing in benchmark["Crossings"]] == ["Pith", "other"]


def test_the_drawing_has_a_line_for_each_curve_and_a_ring_for_each_crossing() -> None:
    root = ElementTree.fromstring(charts([result(), result("Pith", "other")]))
    lines = [line for line in root.iter(f"{SVG}polyline") if len(line.attrib["points"].split()) == 3]
    assert len(lines) == 6
    assert sum("stroke-dasharray" in line.attrib for line in lines) == 2
    assert len(list(root.iter(f"{SVG}circle"))) == 3
    for line in lines[:2]:
        xs = [float(place.split(",")[0]) for place in line.attrib["points"].split()]
        assert (xs[1] - xs[0]) / (xs[2] - xs[0]) == pytest.approx(1 / 3, abs=0.01)  # 8, 16, 64


def log_of_a_boot() -> list[str]:
    executed = "Trace 0: 0x7f [0000000000000000/ffffffff80200000/00201001/ff020201] pith_entry\n"
    trap = "riscv_cpu_do_interrupt: hart:0, async:{}, cause:{:016x}, epc:0x0, tval:0x0, desc=x\n"
    return [executed, executed, trap.format(0, 9), executed, trap.format(1, 5), trap.format(0, 8), executed]


def test_a_boot_ends_with_the_first_call_from_user_mode() -> None:
    assert until_first_call(log_of_a_boot()) == (3, 1)


def test_a_boot_is_shown_in_both_forms() -> None:
    boot = Boot("Pith", 123440, 2, 11_995_407, 0.0469)
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(boot_table([boot]))
    assert ["Pith", "123,440", "2", "12.0", "million", "47", "ms"] in [
        line.split() for line in captured.get().splitlines()
    ]
    [entry] = json.loads(to_json([], [boot]))[0]["Results"]
    assert (entry["Instructions"], entry["Firmware calls"]) == (123440, 2)


def test_axes() -> None:
    up = Axis(0, 100, 350, 50, logarithmic=False)
    assert (up(0), up(50), up(100)) == (350, 200, 50)
    assert [even_step(highest) for highest in (4, 9, 30, 700, 2600)] == [1, 2, 5, 100, 500]
    assert at(result().measured[0], 40) == pytest.approx(300.5)
    assert [short(number) for number in (512, 1024, 3 << 20, 1025)] == ["512", "1 Ki", "3 Mi", "1,025"]


def test_the_program_knows_every_curve() -> None:
    text = "\n".join(file.read_text() for file in SOURCES.glob("*.c"))
    named = set(re.findall(r'"([a-z.-]+)"', text))
    for figure in (DATA, *SCALING, DELAYS):
        assert {figure.scenario, *(curve.name for curve in figure.curves)} <= named


@pytest.mark.qemu
@pytest.mark.slow
def test_data_moves_and_shared_memory_wins_in_the_end(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "data", "--json")
    assert ended.code == 0, ended.err
    [benchmark] = json.loads(ended.out)
    medians = {(point["Curve"], point["bytes"]): point["Median"] for point in benchmark["Results"]}
    assert len(medians) == len(DATA.curves) * DATA.places
    assert medians["data.registers", 8] == medians["data.message", 8] < medians["data.shared", 8]
    assert (
        medians["data.registers", 1 << 20]
        > medians["data.message", 1 << 20]
        > medians["data.shared", 1 << 20]
    )
    assert {(crossing["Below"], crossing["Above"]) for crossing in benchmark["Crossings"]} >= {
        ("data.shared", "data.registers"),
        ("data.shared", "data.message"),
    }


@pytest.mark.qemu
def test_a_drawing_without_a_place_ends_before_anything_slow(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "data", "--plot", "no/such/directory/data.svg")
    assert ended.code == 1
    assert ended.err.startswith("pith: no/such/directory/data.svg: ")


@pytest.mark.qemu
@pytest.mark.slow
def test_scaling_is_flat_where_it_should_be_and_interrupts_wait_for_a_bounded_time(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "scaling", "--json")
    assert ended.code == 0, ended.err
    *benchmarks, boot = json.loads(ended.out)
    medians = {
        (point["Curve"], point[figure.x]): point["Median"]
        for figure, benchmark in zip((*SCALING, DELAYS), benchmarks, strict=True)
        for point in benchmark["Results"]
    }
    assert len(medians) == sum(len(figure.curves) * figure.places for figure in (*SCALING, DELAYS))
    assert medians["threads.call", 1] == medians["threads.call", 10_000]
    assert medians["priorities.resume", 250] == pytest.approx(medians["priorities.resume", 1], rel=0.05)
    assert medians["depth.signal", 1] < medians["depth.signal", 64]
    assert medians["revoke.cost", 10_000] > 8 * medians["revoke.cost", 1000]
    assert medians["revoke.delay", 10_000] < 1.1 * medians["revoke.delay", 1000]
    delays = {place: delay for place, delay in medians.items() if place[0].startswith("delay.")}
    assert {place: delay for place, delay in delays.items() if not 300 < delay <= 5000} == {}
    assert medians["revoke.user", 1] < medians["revoke.delay", 1] < medians["revoke.delay", 1000]
    [own] = boot["Results"]
    assert 0 < own["Instructions"] < own["Instructions since power-on"]
