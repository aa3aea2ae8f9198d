"""The whole of it: Pith's kernel measured and traced on QEMU."""

import json
from pathlib import Path

import pytest

from pith.lab.bench.building import build_program
from pith.lab.bench.kernels import Kernel, own_kernel
from pith.lab.bench.log import record, stamp_addresses
from pith.lab.bench.measuring import measure, run
from pith.lab.bench.profile import profile
from pith.lab.bench.rows import ROWS, matching, one
from pith.lab.bench.symbols import Symbols
from pith.machine.elf import read
from tests.cli.conftest import Pith, pith  # noqa: F401

pytestmark = [pytest.mark.qemu, pytest.mark.slow]


@pytest.fixture(scope="module")
def kernel() -> Kernel:
    return own_kernel()


def test_every_row_is_measured_and_costs_at_least_its_floor(kernel: Kernel) -> None:
    from pith.lab.bench import floor

    heard: list[str] = []
    measured = measure(kernel, ROWS, heard.append)
    assert [row.name for row in ROWS if row.name not in heard] == []
    assert [row.name for row in ROWS if measured[row.name].minimum < floor.of(row)] == []
    for trip in ("call-0", "call-120", "active-call-0"):
        there, back = measured[f"{trip}.there"].median, measured[f"{trip}.back"].median
        assert measured[f"{trip}.round-trip"].median == there + back


def test_a_second_run_counts_the_same(kernel: Kernel) -> None:
    rows = matching("call-*") + matching("wake")
    assert measure(kernel, rows) == measure(kernel, rows)


def test_a_second_run_draws_the_same_curves(kernel: Kernel) -> None:
    first, second = (
        {name: s for name, s in run(kernel, ["depth"]).items() if name != "boot.0"} for _ in "12"
    )
    assert "depth.signal.64" in first
    assert first == second


@pytest.mark.parametrize(
    "name",
    [
        "call-5.back",
        "fault-passive.whole",
        "interrupt.there-and-back",
        "copy.make",
        "float-both.loop",
        "page.loop",
    ],
)
def test_a_trace_shows_every_instruction_that_was_counted(kernel: Kernel, name: str) -> None:
    trace = record(kernel, one(name))
    assert len(trace.steps) == trace.counted
    found = profile(trace, Symbols(kernel.elf), Symbols(build_program()))
    assert sum(found.functions.values()) == trace.counted
    assert found.lines, "Pith's kernel has debug information"
    assert "?" not in found.functions


def test_the_program_s_stamps_are_found() -> None:
    program = build_program()
    symbols = Symbols(program)
    functions = {symbols.function(address) for address in stamp_addresses(read(program))}
    assert {"serve", "serve_faults", "fault_always"} <= functions


def test_the_command_against_another_kernel(kernel: Kernel, pith: Pith, tmp_path: Path) -> None:  # noqa: F811
    drawing = tmp_path / "bench.svg"
    ended = pith("bench", "--row", "poll", "--json", "--plot", drawing, "--against", kernel.elf)
    assert ended.code == 0, ended.err
    [benchmark] = json.loads(ended.out)
    assert [result["Kernel"] for result in benchmark["Results"]] == ["Pith", kernel.elf.name]
    assert benchmark["Results"][0]["Ratio"] == 1
    assert drawing.read_text().startswith("<svg")


def test_what_is_denied_floating_point_takes_the_same(kernel: Kernel) -> None:
    """Pith does not move what nobody uses."""
    rows = matching("call-0", "wake", "interrupt")
    assert measure(kernel, rows, float_denied=True) == measure(kernel, rows)


def test_the_command_traces(pith: Pith, tmp_path: Path) -> None:  # noqa: F811
    drawing = tmp_path / "flame.svg"
    ended = pith("bench", "trace", "poll", "--flame", drawing)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("poll: ")
    assert "notification" in ended.out
    assert drawing.read_text().startswith("<svg")


def test_a_row_that_is_not_there_ends_before_anything_slow(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "--row", "teleport")
    assert ended.code == 1
    assert ended.err.startswith("pith: no row is called `teleport`\n  try: one of these")
