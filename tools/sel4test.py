"""Run seL4's own test suite on Pith, as often as wanted on each machine, and write down what came of it.

    python tools/sel4test.py DRIVER                                   once on each machine
    python tools/sel4test.py DRIVER --machine tcg --runs 10           ten times on QEMU with the host's clock
    python tools/sel4test.py DRIVER --kernel release                  a driver that was built for release kernels
    python tools/sel4test.py DRIVER --against IMAGE --machine icount  on another kernel as well, by the same loader

DRIVER is seL4's `sel4test-driver`, an unmodified ELF built from public sources; docs/sel4test.md says how to get one. It
never ends the machine: a run is over when it prints its summary. The report, a table in Markdown, is written
again after every run, so that a campaign that is broken off leaves what it measured.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from pith import UserError
from pith.lab.bench.kernels import Kernel, named_kernel
from pith.machine import BootImage, Machine, qemu_program
from pith.machine.hosted import HostedMachine
from pith.machine.qemu import QemuMachine
from pith.system import image
from pith.system.kernel import build_kernel, set_debugging

MACHINES = {"icount": "QEMU, `-icount shift=0`", "tcg": "QEMU, plain TCG", "hosted": "hosted"}
PATIENCE = {"icount": 600, "tcg": 300, "hosted": 7200}  # seconds for a run, several times what it takes
LAST_LINES = 12  # of the console, shown after a run that failed
SUMMARY = re.compile(r"Test suite \w+\. (\d+)(?:/\d+)? tests passed\.(?: (\d+) tests disabled\.)?")
STARTED = re.compile(r"Starting test \d+: (.+?)\s*$", re.MULTILINE)
GONE_WRONG = re.compile(r"^\s*(Error|Failure): |^Test \S+ failed", re.MULTILINE)


class Outcome(NamedTuple):
    """What one run of the suite came to."""

    passed: int | None  # None: there was no summary
    disabled: int | None  # told only when all others passed
    failed: tuple[str, ...]
    stood_in: str  # the test that did not end, if there was no summary
    seconds: float

    @property
    def is_complete(self) -> bool:
        return self.disabled is not None

    def __str__(self) -> str:
        failed = "".join(f", {name} failed" for name in self.failed)
        if self.passed is None:
            return f"stood still in {self.stood_in or 'the start'}{failed}"
        disabled = "" if self.disabled is None else f", {self.disabled} disabled"
        return f"{self.passed} passed{disabled}{failed}"


def outcome_of(output: str, seconds: float) -> Outcome:
    """Read the console's text. A driver for release kernels does not say which test failed, but what went wrong, and where."""
    summary = SUMMARY.search(output)
    _, *parts = STARTED.split(output[: summary.start()] if summary else output)
    tests = list(zip(parts[::2], parts[1::2], strict=True))  # names, and what was printed until the next
    failed = tuple(name for name, text in tests if GONE_WRONG.search(text))
    if summary is None:
        return Outcome(None, None, failed, tests[-1][0] if tests else "", seconds)
    passed, disabled = summary.groups()
    return Outcome(int(passed), None if disabled is None else int(disabled), failed, "", seconds)


class Series(NamedTuple):
    """Runs of one kernel on one machine."""

    kernel: str
    machine: str
    outcomes: list[Outcome]

    def row(self) -> str:
        def each(values: Iterator[int | None]) -> str:
            return ", ".join(sorted({str(value) for value in values if value is not None})) or "-"

        wrong = Counter(f"{name} failed" for outcome in self.outcomes for name in outcome.failed)
        wrong += Counter(f"{o.stood_in or 'start'} stood still" for o in self.outcomes if o.passed is None)
        times = [outcome.seconds for outcome in self.outcomes]
        cells = [
            self.kernel,
            MACHINES[self.machine],
            f"{sum(outcome.is_complete for outcome in self.outcomes)} of {len(self.outcomes)}",
            each(outcome.passed for outcome in self.outcomes),
            each(outcome.disabled for outcome in self.outcomes),
            ", ".join(f"{what} ({count})" for what, count in wrong.items()) or "-",
            f"{statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f})",
        ]
        return f"| {' | '.join(cells)} |"


HEAD = """\
| kernel | machine | runs without a failure | passed | disabled | what went wrong (runs) | seconds, median (range) |
| --- | --- | --- | --- | --- | --- | --- |
"""


def report(series: list[Series], title: str) -> str:
    return f"{title}\n\n{HEAD}" + "".join(f"{each.row()}\n" for each in series if each.outcomes)


# Running ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[bytes], None]]:
    """Show, to a person at a terminal, which test is running: from what the machine prints."""
    line = bytearray()
    with Console(stderr=True).status(what) as status:

        def look(data: bytes) -> None:
            line.extend(data)
            *whole, rest = line.split(b"\n")
            for text in whole:
                if found := STARTED.search(text.decode(errors="replace")):
                    status.update(f"{what}: {found[1]}")
            line[:] = rest

        yield look


def start(machine: str, boot_image: BootImage, memory: int, echo: Callable[[bytes], None]) -> Machine:
    if machine == "hosted":
        return HostedMachine(boot_image, memory=memory, echo=echo)
    return QemuMachine(boot_image, memory=memory, echo=echo, icount=machine == "icount")


def run_once(machine: str, boot_image: BootImage, memory: int, patience: int, what: str) -> Outcome:
    """Boot, and wait for the end of the line with the summary."""
    with progress(what) as look, start(machine, boot_image, memory, look) as running:
        begun = time.monotonic()
        running.run(until="Test suite ", seconds=patience)
        seconds = time.monotonic() - begun
        running.run(until="\n", seconds=5)
        outcome = outcome_of(running.output, seconds)
        if not outcome.is_complete:
            print("\n".join(running.output.splitlines()[-LAST_LINES:]), flush=True)
        return outcome


def run_series(
    series: Series, boot_image: BootImage, options: argparse.Namespace, write: Callable[[], None]
) -> None:
    """The hosted machine runs once, for it does the same every time."""
    runs = 1 if series.machine == "hosted" else options.runs
    patience = options.patience or PATIENCE[series.machine]
    for number in range(1, runs + 1):
        what = f"{series.kernel}, {MACHINES[series.machine]}, run {number} of {runs}"
        outcome = run_once(series.machine, boot_image, options.memory << 20, patience, what)
        series.outcomes.append(outcome)
        print(f"{what}: {outcome}, in {outcome.seconds:.0f} s", flush=True)
        write()


def campaign(options: argparse.Namespace, directory: Path) -> list[Series]:
    """All that the options ask for."""
    set_debugging(options.kernel == "debug")
    machines = options.machine or list(MACHINES)
    kernels: list[Kernel] = []
    if machines != ["hosted"]:
        kernels = [
            Kernel("Pith", build_kernel()),
            *(named_kernel(path, directory) for path in options.against),
        ]
    done: list[Series] = []
    title = f"{options.driver.name}, a {options.kernel} kernel, {options.memory} MiB, QEMU {qemu_program.find().version}"

    def write() -> None:
        if options.report is not None:
            options.report.write_text(report(done, title))

    for machine in machines:
        chosen = [Kernel("Pith", Path())] if machine == "hosted" else kernels
        for kernel in chosen:
            elf = None if machine == "hosted" else kernel.elf
            boot_image = image.build(directory / "image.elf", options.driver, elf)
            done.append(Series(kernel.name, machine, []))
            run_series(done[-1], boot_image, options, write)
    print(f"\n{report(done, title)}", end="")
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description="Run seL4's own test suite on Pith.")
    parser.add_argument("driver", type=Path, help="the ELF of sel4test-driver")
    parser.add_argument("--machine", action="append", choices=MACHINES, help="may be repeated; default: all")
    parser.add_argument("--kernel", choices=("debug", "release"), default="debug", help="what DRIVER is for")
    parser.add_argument("--runs", type=int, default=1, help="on QEMU; the hosted machine runs once")
    parser.add_argument("--memory", type=int, default=3072, help="in MiB; the suite needs 3072")
    parser.add_argument("--against", type=Path, action="append", default=[], metavar="IMAGE",
                        help="another kernel's ELF or boot image, for QEMU; may be repeated")  # fmt: skip
    parser.add_argument(
        "--patience", type=int, help="seconds after which a run stands still; default: by machine"
    )
    parser.add_argument("--report", type=Path, help="where to write the table")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="pith-sel4test-") as directory:
            series = campaign(options, Path(directory))
    except UserError as error:
        print(f"sel4test: {error.message}\n  {error.remedy}", file=sys.stderr)
        return error.exit_code
    own = [outcome for each in series if each.kernel == "Pith" for outcome in each.outcomes]
    return 0 if own and all(outcome.is_complete for outcome in own) else 1


if __name__ == "__main__":
    sys.exit(main())
