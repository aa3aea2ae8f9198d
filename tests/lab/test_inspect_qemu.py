"""The compiled kernel on QEMU: its memory holds the same invariants, and shows itself, also from gdb."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pith.lab import gdb_commands_file
from pith.lab.inspect.dump import attach_dump
from pith.lab.inspect.subjects import reports
from pith.machine import image, waiting
from pith.machine.qemu import QemuMachine
from pith.verify.check import check_all
from tests.patience import ENOUGH

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

MEMORY = 32 << 20
PROMPT = "pith> "
GDB = shutil.which("gdb-multiarch")


# In a process of its own: the compiler imports modules with statics, which must come before memory is attached.
BUILD = """
import sys
from pathlib import Path
from typing import NamedTuple
from pith.system import image, kernel
from pith.system.components import expect_debugging
from pith.system.demo import build_demo

built = kernel.build_kernel()
expect_debugging(True)
image.build(Path(sys.argv[1]), build_demo(), built)
print(built)
"""


class Running(NamedTuple):
    machine: QemuMachine
    kernel: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demonstration, waiting for somebody to type."""
    file = tmp_path_factory.mktemp("image") / "demo.elf"
    built = subprocess.run([sys.executable, "-c", BUILD, file], stdout=subprocess.PIPE, text=True, check=True)
    with QemuMachine(image.read(file), memory=MEMORY) as machine:
        machine.wait_for(PROMPT)
        sleep(machine)
        yield Running(machine, Path(built.stdout.strip()))


def sleep(machine: QemuMachine) -> None:
    """Until every thread waits: who printed the prompt may not be done when it is read."""
    give_up = time.monotonic() + 60
    while (
        waiting.awaited_interrupts(machine.read_memory(machine.image.table.kernel_state, waiting.STATE_BYTES))
        is None
    ):
        assert time.monotonic() < give_up, "somebody always runs"
        machine.run(seconds=0.05)


def test_the_compiled_kernel_keeps_its_invariants(running: Running, tmp_path: Path) -> None:
    dump = tmp_path / "memory"
    dump.write_bytes(running.machine.read_memory(0x8000_0000, MEMORY))
    attach_dump(dump, running.kernel)
    assert check_all() == []
    (threads,) = reports("threads")
    assert len(threads.parts[0].rows) > 4  # type: ignore[union-attr]


@pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not on PATH")
def test_gdb_commands(running: Running) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running.machine.monitor.execute(
        "human-monitor-command", **{"command-line": f"gdbserver tcp:127.0.0.1:{port}"}
    )
    running.machine.send("?")  # the key reaches the serial line when gdb lets the machine go on
    script = (
        f"source {gdb_commands_file()}",
        f"target remote 127.0.0.1:{port}",
        "set pith-memory 32M",
        f"set pith-command {sys.executable} -c 'from pith.cli.main import main; main()'",
        "pith threads --check",
        "hbreak pith.kernel.notification.signal",
        "continue",
        "pith threads",
        "print *notification.bound_thread",
        "disconnect",
    )
    commands = [part for line in script for part in ("-ex", line)]
    done = subprocess.run(
        [str(GDB), "-nx", "-batch", str(running.kernel), *commands],
        capture_output=True,
        text=True,
        timeout=ENOUGH,
    )
    assert re.search(r"uart +0x8\w+ +blocked on receive", done.stdout), done.stderr  # its name
    assert "invariants, 0 violations" in done.stdout
    _, at_the_breakpoint = done.stdout.split("Breakpoint 1, pith.kernel.notification.signal", 1)
    assert re.search(r"uart +0x8\w+ +blocked on receive", at_the_breakpoint), done.stderr
    thread = at_the_breakpoint.split("$1 = ", 1)[1]
    assert re.search(r"cap = CNodeCap = \{\w+ = \w+", thread) and re.search(
        r"cap = PageTableCap = \{", thread
    )
    assert "ZombieCap" not in thread, "a capability is shown as what it is, and as nothing else"
