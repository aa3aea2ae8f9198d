"""From power-on to the initial thread: instructions, and wall time.

The kernel's own instructions are counted in QEMU's log of everything that executes at the kernel's addresses, up to the
first system call of the initial thread. Firmware and loader come before it, and are the same for every kernel; how many
instructions they and the kernel took together, the program reads from the counter when it starts: it is some thousands too high, for
the counter also runs while QEMU itself starts. Wall time depends on the host: it is that of an emulator that translates the
kernel as it goes, and the best of a few runs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pith.machine import board
from pith.machine.image import BootImage
from pith.machine.qemu import QemuMachine

from .building import build_image
from .kernels import Kernel
from .log import EXECUTED, TRAPPED, one_instruction_at_a_time
from .measuring import BEGIN, SECONDS, run
from .rows import CALIBRATION

KERNEL_ADDRESSES: Final = f"{board.KERNEL_PHYSICAL + board.KERNEL_OFFSET:#x}..0xffffffffffffffff"
USER_CALL, KERNEL_CALL = 8, 9  # causes of traps
RUNS: Final = 3
REACHED: Final = "boot.0"  # the program's row: the counter when it starts


class Boot(NamedTuple):
    """One kernel's boot. `reached` counts everything from power-on to the initial thread's first instructions."""

    kernel: str
    instructions: int  # the kernel's own
    firmware_calls: int
    reached: int
    seconds: float


def measure_boot(kernel: Kernel) -> Boot:
    """Boot a kernel with the benchmark's program a few times. Raises UserError if its program does not start."""
    with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
        image = build_image(kernel.elf, [CALIBRATION], Path(directory))
        log = Path(directory, "log")
        boot_logged(image, log)
        with open(log, encoding="ascii", errors="replace") as lines:
            instructions, calls = until_first_call(lines)
        [reached] = run(kernel, [])[REACHED]
        return Boot(kernel.name, instructions, calls, reached, min(wall_time(image) for _ in range(RUNS)))


def boot_logged(image: BootImage, log: Path) -> None:
    """Run once with the kernel's instructions logged."""
    logging = ("-d", "exec,nochain,int", "-dfilter", KERNEL_ADDRESSES, "-D", str(log))
    with QemuMachine(image, icount=True, options=logging) as machine:
        one_instruction_at_a_time(machine)
        machine.wait_for(BEGIN.strip(), seconds=SECONDS)


def until_first_call(lines: Iterable[str]) -> tuple[int, int]:
    """The instructions that a log shows before the first call from user mode, and the calls of the firmware among them."""
    instructions = calls = 0
    for line in lines:
        if EXECUTED.match(line):
            instructions += 1
        elif match := TRAPPED.match(line):
            cause = int(match[2], 16)
            if match[1] == "0" and cause == USER_CALL:
                break
            calls += cause == KERNEL_CALL and instructions > 0  # the loader makes one, too
    return instructions, calls


def wall_time(image: BootImage) -> float:
    """Seconds from power-on to the program's first line, on an emulator that does not count."""
    with QemuMachine(image) as machine:
        start = time.monotonic()
        machine.wait_for(BEGIN.strip(), seconds=SECONDS)
        return time.monotonic() - start
