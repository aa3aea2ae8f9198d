"""Curves: read from samples, crossed, shown in three ways; and those that the program measures."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from pith import UserError
from pith.lab.bench.building import SOURCES
from pith.lab.bench.chart import Axis, at, charts, even_step, short
from pith.lab.bench.figures import DATA, Curve, Figure, FigureResult, crossings, curves_in
from pith.lab.bench.figures_json import to_json
from pith.lab.bench.figures_text import figures_text
from tests.cli.conftest import Pith, pith  # noqa: F401

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = Figure(
    "f", "A figure", "bytes", 3, (Curve("f.slow", "slow"), Curve("f.fast", "fast")), is_steep=True
)
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


def shown(*kernels: str) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(figures_text([result(*kernels)]))
    return captured.get()


def test_the_table_has_a_line_for_each_x_and_says_where_curves_cross() -> None:
    lines = shown().splitlines()
    assert ["16", "201", "301"] in [line.split() for line in lines]
    assert "Medians of 2 samples, which differ by at most 1.00%." in lines
    assert "Pith, from 40 bytes on: fast below slow" in lines
    assert ["16", "201", "301", "201", "301"] in [line.split() for line in shown("Pith", "b").splitlines()]


def test_json_has_every_point_and_crossing() -> None:
    [benchmark] = json.loads(to_json([result("Pith", "other")]))
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


def test_axes() -> None:
    up = Axis(0, 100, 350, 50, logarithmic=False)
    assert (up(0), up(50), up(100)) == (350, 200, 50)
    assert [even_step(highest) for highest in (4, 9, 30, 700, 2600)] == [1, 2, 5, 100, 500]
    assert at(result().measured[0], 40) == pytest.approx(300.5)
    assert [short(number) for number in (512, 1024, 3 << 20, 1025)] == ["512", "1 Ki", "3 Mi", "1,025"]


def test_the_program_knows_every_curve() -> None:
    text = "\n".join(file.read_text() for file in SOURCES.glob("*.c"))
    named = set(re.findall(r'"([a-z.-]+)"', text))
    for figure in (DATA,):
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
