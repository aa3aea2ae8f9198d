"""A run of the benchmark on QEMU, and the samples that it printed.

The instruction counter is checked in every run: sequences of known length are measured first, and a
difference of one instruction is an error, for then no other number means what it says.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pith import UserError
from pith.machine.interface import Ending
from pith.machine.qemu import QemuMachine
from pith.machine.qemu_program import PROCESSOR

from .building import build_image
from .kernels import Kernel
from .rows import CALIBRATION, Row
from .statistics import Summary, summarise

BEGIN, END = "bench begins\n", "bench ends\n"
LINE: Final = re.compile(r"^row (\S+)((?: \d+)+)$", re.MULTILINE)
FAILURE: Final = re.compile(r"^failed (.*)$", re.MULTILINE)
SECONDS: Final = 300  # a run takes three, that of the delays twenty; on a busy machine several times as much

CLOCK_COUNTS: Final = ("-rtc", "clock=vm")  # instructions, as all else does under icount

Samples = dict[str, tuple[int, ...]]


OnRow = Callable[[str], None]


def measure(
    kernel: Kernel,
    rows: tuple[Row, ...],
    on_row: OnRow | None = None,
    cpu: str = PROCESSOR,
    *,
    float_denied: bool = False,
) -> dict[str, Summary]:
    """Run the benchmark on a kernel, and summarise each of the rows; `on_row` hears of every row as it comes."""
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    samples = run(kernel, scenarios, on_row, cpu, float_denied=float_denied)
    missing = [row.name for row in rows if row.name not in samples]
    if missing:
        raise UserError(
            f"{kernel.name} did not measure {', '.join(missing)}", "report it, with the output above"
        )
    return {row.name: summarise(samples[row.name]) for row in rows}


def run(
    kernel: Kernel,
    scenarios: list[str],
    on_row: OnRow | None = None,
    cpu: str = PROCESSOR,
    *,
    float_denied: bool = False,
) -> Samples:
    """Run these scenarios on a kernel; return every row's samples. `float_denied`: no thread may use floating point."""
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        image = build_image(kernel.elf, [CALIBRATION, *scenarios], Path(directory), float_denied=float_denied)
        watch = Watch(on_row)
        with QemuMachine(image, echo=watch, cpu=cpu, icount=True, options=CLOCK_COUNTS) as machine:
            ending = machine.run(END, seconds=SECONDS)
            output = machine.output
    samples = parse(kernel.name, output, ending)
    check_counter(samples)
    return samples


class Watch:
    """Reads the console as it comes, for the names of rows that are done."""

    def __init__(self, on_row: Callable[[str], None] | None) -> None:
        self.on_row = on_row
        self.rest = ""

    def __call__(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data.decode(errors="replace")).split("\n")
        for line in lines:
            match = LINE.match(line.rstrip("\r"))
            if match and self.on_row:
                self.on_row(match[1])


def parse(kernel: str, output: str, ending: Ending) -> Samples:
    """Every row's samples from the console's text. Raises UserError when the run broke off."""
    output = output.replace("\r", "")
    if failure := FAILURE.search(output):
        raise UserError(f"the benchmark failed on {kernel}: {failure[1]}", f"after: {last_row(output)}")
    if ending is not Ending.TEXT:
        if BEGIN not in output:
            raise UserError(
                f"the benchmark did not start on {kernel}: {ending.value}",
                "it needs the interface of seL4 16 MCS for riscv64 (qemu-riscv-virt, one core); boot it by itself",
            )
        raise UserError(f"the benchmark broke off on {kernel}: {ending.value}", f"after: {last_row(output)}")
    return {name: tuple(map(int, numbers.split())) for name, numbers in LINE.findall(output)}


def last_row(output: str) -> str:
    names = [name for name, _ in LINE.findall(output)]
    return names[-1] if names else "no row yet"


def check_counter(samples: Samples) -> None:
    """Each calibration row's name ends in the number of instructions that it executes."""
    wrong = [
        f"{length} instructions were counted as {', '.join(map(str, sorted(set(counted))))}"
        for name, counted in samples.items()
        if name.startswith(f"{CALIBRATION}.") and set(counted) != {int(length := name.partition(".")[2])}
    ]
    if wrong or not any(name.startswith(f"{CALIBRATION}.") for name in samples):
        raise UserError(
            f"the instruction counter is off: {'; '.join(wrong) or 'it was not checked'}",
            "use a QEMU whose -icount counts single instructions, such as 7.2",
        )
