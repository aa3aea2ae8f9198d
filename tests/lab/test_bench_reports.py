"""The three ways to show results: table, JSON, drawing."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from pith.lab.bench.json_report import to_json
from pith.lab.bench.plot import plot
from pith.lab.bench.results import Report
from pith.lab.bench.table import table, varying
from tests.lab.bench_results import report

# The keys that scripts for sel4bench's output look for.
STATISTICS = [
    "Min", "Max", "Mean", "Stddev", "Variance", "Mode", "Median", "1st quantile", "3rd quantile", "Samples", "Raw results",
]  # fmt: skip


def shown(*, peer: bool) -> list[str]:
    console = Console(width=100, record=True, color_system=None)
    with console.capture() as captured:
        console.print(table(report(peer=peer)))
    return captured.get().splitlines()


def cells(lines: list[str], work: str) -> list[str]:
    [line] = [line for line in lines if line.strip().startswith(work)]
    return line.split(work)[1].split()


def test_a_line_shows_ours_seL4_ratio_and_floor() -> None:
    lines = shown(peer=False)
    assert cells(lines, "retired instructions") == ["Pith", "seL4", "ratio", "floor", "above"]
    assert cells(lines, "0 words: round trip") == ["404", "808", "0.50", "122", "282"]


def test_samples_that_vary_show_their_range_beside_the_median() -> None:
    assert cells(shown(peer=False), "yield, alone") == ["1920", "(1920-1921)", "960", "2.00", "7", "1913"]


def test_samples_that_vary_are_shown_with_all_that_is_said_of_them() -> None:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(varying(report(peer=True)))
    [line] = [line.split() for line in captured.get().splitlines() if "yield" in line]
    assert line == ["yield", "Pith", "1920", "1920.25", "1920", "1921", "4"]
    steady = report()
    assert varying(Report(steady.own_name, None, steady.results[:1])) is None


def test_eighty_columns_are_enough_beside_a_kernel_with_a_long_name() -> None:
    steady, _, pings = report(peer=True).results
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(table(Report("Pith", "image.release.bios-default", (steady, pings))))
    assert cells(captured.get().splitlines(), "retired instructions")[-1] == "above"


def test_a_published_figure_that_differs_stands_in_brackets() -> None:
    assert cells(shown(peer=False), "signal-wait ping-pong, equal priorities") == [
        "2066",
        "(4176)",
        "4132",
        "0.50",
        "136",
        "1930",
    ]


def test_ratios_are_to_the_kernel_that_ran_beside() -> None:
    lines = shown(peer=True)
    assert cells(lines, "retired instructions") == ["Pith", "other.img", "seL4", "ratio", "floor", "above"]
    assert cells(lines, "0 words: round trip") == ["404", "1616", "808", "0.25", "122", "282"]


def test_the_mean_of_the_ratios_is_geometric() -> None:
    assert report().mean_ratio == pytest.approx((0.5 * 2 * 0.5) ** (1 / 3))
    assert any("0.794" in line for line in shown(peer=False))


def test_json_has_the_shape_of_sel4bench() -> None:
    benchmarks = json.loads(to_json(report(peer=True)))
    assert [benchmark["Benchmark"] for benchmark in benchmarks] == [
        "Call and reply-receive, other address space, passive server",
        "Calls that meet nobody",
        "Signals that wake",
    ]
    for benchmark in benchmarks:
        for result in benchmark["Results"]:
            assert [key for key in result if key in STATISTICS] == STATISTICS
    own, other = benchmarks[0]["Results"]
    assert (own["Row"], own["Kernel"], own["Median"], own["Published"]) == (
        "call-0.round-trip",
        "Pith",
        404,
        808,
    )
    assert (own["seL4"], own["Ratio"], own["Floor"], own["Above floor"]) == (808, 0.25, 122, 282)
    assert (other["Kernel"], other["Raw results"]) == ("other.img", [1616] * 4)


def test_the_drawing_has_two_bars_a_row_in_proportion() -> None:
    root = ElementTree.fromstring(plot(report()))
    bars = {}
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        title = box.find("{http://www.w3.org/2000/svg}title")
        if title is not None and title.text:
            bars.setdefault(title.text.partition(":")[0], []).append(float(box.attrib["width"]))
    assert set(bars) == {"call-0.round-trip", "yield", "ping-pong"}
    own, other = bars["call-0.round-trip"]
    assert own / other == pytest.approx(0.5, rel=1e-3)
    assert max(width for pair in bars.values() for width in pair) == bars["ping-pong"][1]
