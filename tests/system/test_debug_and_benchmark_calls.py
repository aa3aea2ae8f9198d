"""Debug and benchmark calls, made by programs on both machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pith.kernel import benchmark
from pith.machine import Ending
from pith.system import kernel
from pith.system.components import build_program
from tests.patience import ENOUGH
from tests.system.conftest import Start

PROGRAMS = Path(__file__).parent / "programs"
EXAMPLES = Path(__file__).parents[2] / "examples"
CALL, REPLY_RECV, SEND, NB_WAIT, YIELD = 1, 2, 5, 10, 11


def output_of(start: Start, program: Path) -> str:
    """What the program prints until it halts the machine."""
    machine = start(build_program(program))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert machine.exit_status == 0
    return machine.output.replace("\r", "")


@pytest.fixture
def benchmark_kernel(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Kernels, compiled or not, measure what the test's parameter says."""
    monkeypatch.setattr(benchmark, "MODE", benchmark.OFF)  # so that it is that again
    kernel.set_benchmarking(request.param)


entries = pytest.mark.parametrize("benchmark_kernel", [benchmark.ENTRIES], indirect=True, ids=["entries"])
utilisation = pytest.mark.parametrize(
    "benchmark_kernel", [benchmark.UTILISATION], indirect=True, ids=["utilisation"]
)


def test_debug_calls(start: Start) -> None:
    shown = output_of(start, PROGRAMS / "debug_calls.py")
    assert "!\nnothing 0, nowhere 0, thread 12, endpoint 4\n" in shown
    assert "\ncontrol of time 24, domains 20, interrupts 14\n" in shown
    lines = re.findall(r"^runs   (.*), priority 255, pc 0x\w+, 50000 ticks from \d+$", shown, re.MULTILINE)
    assert lines == ["initial", "a thread whose name is cut off ", "first"]
    snapshot = shown[shown.index("arch riscv\n") :]
    assert re.search(r"^tcb_0x8\w{7} = tcb \(prio: 255, .*\) -- first$", snapshot, re.MULTILINE)
    assert re.search(
        r"^tcb_0x8\w{7} = tcb .* -- thread 0xffffffc0\w{8}, made by first$", snapshot, re.MULTILINE
    )
    assert re.search(r"^ep_0x8\w{7} = ep$", snapshot, re.MULTILINE)
    memory = re.findall(
        r"^ut_\d+_0x\w+ = ut \(\d+ bits, paddr: 0x\w+\) -- 0x(\w+) bytes", snapshot, re.MULTILINE
    )
    assert (
        len(memory) > 20 and sum(used != "0" for used in memory) == 1
    )  # the pool's: nothing else is touched
    assert "only a thread can be named" in shown
    assert shown.endswith("halted by a system call\n")


@pytest.mark.slow
@entries
def test_the_log_of_kernel_entries(start: Start, benchmark_kernel: None) -> None:
    shown = output_of(start, EXAMPLES / "kernel_log.py")
    rows = [line.split("  ") for line in shown.splitlines() if re.match(r"\d{6}  \d{6}  ", line)]
    starts = [int(row[0]) for row in rows]
    assert starts[0] == 0 and starts == sorted(set(starts))
    asked = [re.match(r"system call -(\d+), capability type (\d+), label (\d+)(.*)", row[2]) for row in rows]
    assert asked[0] is None and rows[0][2] == "a debug or benchmark call"
    by_fastpath = ", by the fast path"
    assert [(int(a[1]), int(a[2]), int(a[3]), a[4]) for a in asked[1:] if a is not None] == [
        (SEND, 6, 0, by_fastpath),
        (NB_WAIT, 6, 0, ""),
        (CALL, 12, 6, ""),
        (CALL, 4, 0, by_fastpath),
        (REPLY_RECV, 4, 0, by_fastpath),
        (YIELD, 0, 0, ""),
    ]


@pytest.mark.slow
@utilisation
def test_who_uses_the_processor(start: Start, benchmark_kernel: None) -> None:
    shown = output_of(start, EXAMPLES / "utilisation.py")
    cycles = {who: int(count) for who, count in re.findall(r"^(\w+): (\d+) cycles", shown, re.MULTILINE)}
    assert 8_000_000 <= cycles["worker"] <= 8_100_000  # two instructions a round
    assert cycles["nobody"] > 2.9 * cycles["worker"]  # it has a quarter, and QEMU may oversleep
    assert f"\nworker,{cycles['worker']}\n" in shown
    assert "The worker was switched to 9 times" in shown  # 8 ms in pieces of 1


@pytest.mark.slow
@utilisation
def test_every_benchmark_call(start: Start, benchmark_kernel: None) -> None:
    shown = output_of(start, PROGRAMS / "benchmark_calls.c")
    assert "log buffer 3\nreset 0\nrecords 0\n" in shown  # a thread is no large page
    told = {name: int(value) for name, value in re.findall(r"^([a-z ]+) (\d+)$", shown, re.MULTILINE)}
    between = 10 + 1 + len("records ") + 1  # null calls, the flush, what is printed, and the end of it
    before = 1 + len("\n") + 1  # from the first reset on: nothing takes the thread's own count back
    assert told["total kernel entries"] == between
    assert told["kernel entries"] == before + between
    assert told["cycles"] > told["total cycles"] > told["total kernel cycles"]
    assert told["idle cycles"] == told["idle switches"] == told["switches"] == 0
    assert f"first,{told['cycles']}\nfirst,0\nfirst,0\nhalted" in shown
