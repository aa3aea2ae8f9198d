"""Every way in which a machine can end, on both machines: what is told, and the status. See `pith.cli.ends`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pith
from pith.cli.ends import ENDS, Ended, Run, Way, conclude
from pith.machine import elf
from pith.machine.elf import Segment
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

pytestmark = pytest.mark.slow  # each is a process or two

PITH = [sys.executable, "-c", "from pith.cli.main import main; main()"]
MACHINES = ["hosted", pytest.param("qemu", marks=pytest.mark.qemu)]
DEEP = """
#include <pith.h>
static volatile int count;
static int sum(volatile char *from) { int all = 0; for (int i = 0; i < 1024; i++) all += from[i]; return all; }
__attribute__((noinline)) static int deep(int left)
{
    volatile char local[1024];
    for (int i = 0; i < 1024; i++)
        local[i] = left;
    count++;
    if (left == 0)
        return 0;
    pith_print("-");
    return 3 * deep(left - 1) + sum(local);
}
void pith_main(const struct pith_bootinfo *info) { pith_print_number(deep(info ? 100 : 1)); }
"""
READING = """
#include <pith.h>
struct item { struct item *next; long value; };
static struct item item;
__attribute__((noinline)) static long follow(struct item *from) { return from->next->value; }
void pith_main(const struct pith_bootinfo *info) { pith_print_number(follow(info ? &item : 0)); }
"""
WRITING = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info) { (void)info; *(volatile int *)pith_main = 0; }
"""
JUMPING = """
#include <pith.h>
static volatile unsigned long nowhere = 0x40000000;
void pith_main(const struct pith_bootinfo *info) { (void)info; ((void (*)(void))nowhere)(); pith_print("back"); }
"""
ILLEGAL = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info) { (void)info; __asm__ volatile(".word 0x0000707b"); }
"""
LOOP = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info) { (void)info; pith_print("hello\\n"); for (;;) __asm__ volatile(""); }
"""
WITHOUT_MCS = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info) { (void)info; pith_trap(-9, 'h', 0, PITH_NO_WORDS, 0, 0); }
"""
IN_PYTHON = """
from pith.abi.bootinfo import BootInfo
from pith.metal import export, u8, u64
from pith.metal.machine import load_u64
from pith.runtime.console import write

@export("pith_main")
def main(info: BootInfo) -> None:
    write(f"{{step(info.empty.start)}}\\n")

def step(number: u64) -> u64:
    {}
"""
ENDS_THE_MACHINE = """
from pith.abi.bootinfo import BootInfo, RootSlot
from pith.metal import export, static
from pith.metal.machine import device_store32
from pith.runtime import page
from pith.runtime.address_space import AddressSpace
from pith.runtime.capability import READ_WRITE
from pith.runtime.device import DeviceMissing, device_page
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty, stock_from_bootinfo
from typing import Final

pool: Final = static(Pool)
space: Final = static(AddressSpace)

@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        stock_from_bootinfo(pool, info)
        space.adopt(RootSlot.VSPACE, pool)
        space.map_page(device_page(pool, info, 0x100000), 0x10_0000_0000, READ_WRITE, page.NOT_EXECUTABLE)
        device_store32(0x10_0000_0000, 5 << 16 | 0x3333)
    except InvocationFailed:
        return
    except DeviceMissing:
        return
    except PoolEmpty:
        return
"""


def run(*arguments: object, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    command = [*PITH, *map(str, arguments)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


# Faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
def test_a_stack_that_overflows_is_told_with_the_depth_of_its_calls(tmp_path: Path, machine: str) -> None:
    ended = run("run", write(tmp_path / "deep.c", DEEP), "--machine", machine)
    told = re.search(
        r"pith: initial overflowed its stack of 32 KiB in `deep` at (\S+), (\d+) calls deep", ended.stderr
    )
    assert told is not None, ended.stderr
    assert told[1] in (f"{tmp_path}/deep.c:{line}" for line in range(6, 10))
    assert int(told[2]) == len(re.findall(r"-{8,}", ended.stdout)[-1]) + 1, (
        "each call that was done has printed a dash"
    )
    assert "  try: a larger stack (pith run --stack 64K" in ended.stderr
    assert ended.returncode == 1
    larger = run("run", tmp_path / "deep.c", "--machine", machine, "--stack", "256K", "--timeout", "60")
    assert "overflowed" not in larger.stderr and larger.stdout.count("-") > 99


@pytest.mark.parametrize("build", ["--debug", "--release"])
@pytest.mark.parametrize("machine", MACHINES)
def test_a_fault_is_told_with_function_and_line_on_every_build(
    tmp_path: Path, machine: str, build: str
) -> None:
    ended = run("run", write(tmp_path / "reading.c", READING), "--machine", machine, build)
    assert ended.stderr == (
        f"pith: initial read address 0x8, where it has no memory, in `follow` at {tmp_path}/reading.c:5, "
        "called from `pith_main`, and nothing runs any more\n"
        f"  try: to stop there: pith run {tmp_path}/reading.c --machine hosted --pdb fault\n"
    )
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("writing.c", WRITING, r"wrote address 0x18\w+, which it may not write, in `pith_main` at \S+writing.c:3"),
        ("jumping.c", JUMPING, r"jumped to address 0x40000000, where it has no memory, in `pith_main` at \S+jumping.c:4"),
        ("illegal.c", ILLEGAL, r"met an illegal instruction, 0x0000707b, in `pith_main` at \S+illegal.c:3"),
        ("without_mcs.c", WITHOUT_MCS, r"used capability 0x68, .*\n  try: it looks built for a kernel without MCS"),
        ("load.py", IN_PYTHON.format("return load_u64(number * 4096 + 0x40000000)"), r"read address 0x\w+, .* in `step` at \S+load.py:12, called from `(pith_)?main`"),
        ("panic.py", IN_PYTHON.format("small: u8 = number * 256\n    return small"), r"panicked in `step` at \S+panic.py:12, called from `(pith_)?main`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_program_did_is_told(tmp_path: Path, machine: str, name: str, text: str, told: str) -> None:
    ended = run("run", write(tmp_path / name, text), "--machine", machine)
    assert re.search(f"pith: initial {told}", ended.stderr), ended.stderr + ended.stdout
    assert ended.returncode == 1


@pytest.mark.parametrize("machine", MACHINES)
def test_a_component_whose_supervisor_does_not_listen_is_told_of(tmp_path: Path, machine: str) -> None:
    """The example waits for an answer of a program that expects to be the initial thread, and faults at once."""
    wrong = write(tmp_path / "adder.c", READING)
    ended = run("run", "examples/two_programs.py", wrong, "--machine", machine)
    assert "read address 0x0, where it has no memory, in `follow` at" in ended.stderr
    assert "which its fault handler has not heard of, and nothing runs any more" in ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize("machine", MACHINES)
def test_a_debug_call_of_a_release_kernel_is_named(tmp_path: Path, machine: str) -> None:
    program = tmp_path / "debug.elf"
    assert run("build", write(tmp_path / "debug.c", LOOP), "-o", program).returncode == 0
    ended = run("boot", "--initial", program, "--machine", machine, "--release")
    assert re.search(
        r"pith: initial made system call -12, which .* in `pith_trap` at \S+pith.h:\d+, called from .*`pith_main`, and",
        ended.stderr,
    )
    assert "  try: PUT_CHAR is a debug call: boot without --release" in ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize("machine", MACHINES)
def test_the_status_that_a_program_ends_the_machine_with(tmp_path: Path, machine: str) -> None:
    ended = run("run", write(tmp_path / "ends.py", ENDS_THE_MACHINE), "--machine", machine)
    assert (ended.returncode, ended.stderr) == (5, "")


# Time, and Ctrl-C ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", MACHINES)
def test_time_that_is_over_says_what_ran(tmp_path: Path, machine: str) -> None:
    ended = run("run", write(tmp_path / "loop.c", LOOP), "--machine", machine, "--timeout", "5")
    assert ended.stderr == (
        f"pith: stopped after 5 seconds, while initial was in `pith_main` at {tmp_path}/loop.c:3\n"
        "  try: give it more: --timeout SECONDS\n"
    )
    assert ended.returncode == 124


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which Pith's kernel never comes back from a fault."""
    folder = tmp_path_factory.mktemp("endless")
    shutil.copytree(Path(pith.__file__).parent, folder / "pith", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "pith" / "kernel" / "fault.py"
    head = '    """Send the fault that `thread` is in to its handler."""\n'
    text = file.read_text().replace("from . import endpoint\n", "from . import debug, endpoint\n")
    assert head in text
    file.write_text(
        text.replace(head, head + '    debug.put("for ever\\n")\n    while True:\n        pass\n')
    )
    return {**os.environ, "PYTHONPATH": str(folder)}


def interrupted(command: list[str], after: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Start a command, type Ctrl-C when the text has appeared; the status, and what was told."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        while after not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=ENOUGH)
    return process.returncode, told


@pytest.mark.parametrize("machine", MACHINES)
def test_ctrl_c_says_what_ran_and_writes_the_dump(tmp_path: Path, machine: str) -> None:
    source, dump = write(tmp_path / "loop.c", LOOP), tmp_path / "dump"
    status, told = interrupted(
        [*PITH, "run", str(source), "--machine", machine, "--dump", str(dump)], "hello"
    )
    assert status == 130
    assert re.search(
        r"pith: interrupted, (while initial was (in `pith_main` at \S+loop.c:3|about to run)|in the kernel, )",
        told,
    ), told
    assert run("inspect", dump, "threads").returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_a_kernel_that_does_not_come_back_is_stopped_and_told(
    tmp_path: Path, machine: str, endless: dict[str, str]
) -> None:
    source, dump = write(tmp_path / "reading.c", READING), tmp_path / "dump"
    command = [*PITH, "run", str(source), "--machine", machine, "--dump", str(dump)]
    place = r", in the kernel, `\S*handle\S*` at \S+pith/kernel/fault.py:\d+, called from `"
    ended = subprocess.run(
        [*command, "--timeout", "5"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        env=endless,
    )
    assert re.search(f"pith: stopped after 5 seconds{place}", ended.stderr), ended.stderr
    assert ended.returncode == 124 and dump.stat().st_size
    dump.unlink()
    status, told = interrupted(command, "for ever", endless)
    # Its last word may still be on the way out when Ctrl-C comes: then the place is in what prints it, called from there.
    assert re.search("pith: interrupted, in the kernel, .*`[^`]*handle`", told), told
    assert status == 130 and dump.stat().st_size


# QEMU ---------------------------------------------------------------------------------------------------------


def children(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


@pytest.mark.qemu
@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_qemu_that_is_killed_is_told(tmp_path: Path) -> None:
    command = [
        *PITH,
        "run",
        str(write(tmp_path / "loop.c", LOOP)),
        "--machine",
        "qemu",
        "--dump",
        str(tmp_path / "dump"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "hello" not in (line := process.stdout.readline()):
            assert line
        for child in children(process.pid):
            if "qemu-system" in Path(f"/proc/{child}/cmdline").read_text():
                os.kill(child, signal.SIGKILL)
        _, told = process.communicate(timeout=ENOUGH)
    assert told.startswith("pith: QEMU was killed by signal 9 (SIGKILL)\n  try: ")
    assert process.returncode == 1


# Programs that cannot be started ------------------------------------------------------------------------------


def write_elf(path: Path, content: bytes, size: int | None = None, address: int = 0x10000) -> Path:
    part = Segment(address, address, content, size or len(content))
    path.write_bytes(elf.write(address, [part], part._replace(size=0)))
    return path


@pytest.mark.parametrize("machine", MACHINES)
def test_what_cannot_be_an_initial_thread_is_named(tmp_path: Path, machine: str) -> None:
    code = machine_code("nop")
    for program, told in (
        (write_elf(tmp_path / "large.elf", code, 100 << 20), "is too large for an initial thread's program: it has 25600 pages"),
        (write_elf(tmp_path / "huge.elf", code, 1200 << 20), "is too large for an initial thread's program: it has 307200 pages"),
        (write_elf(tmp_path / "upstream.elf", code + b"070701kernel.elf\0"), "is a boot image of seL4's"),
        (write_elf(tmp_path / "kernel.elf", code, address=0xFFFF_FFFF_8020_0000), "is a kernel, not a program"),
        (write(tmp_path / "source.py", ""), "is the source of a program, not its ELF\n  try: pith run "),
    ):  # fmt: skip
        ended = run("boot", "--initial", program, "--machine", machine)
        assert ended.stderr.startswith(f"pith: {program} {told}"), ended.stderr
        assert "\n  try: " in ended.stderr and ended.returncode in (1, 2) and not ended.stdout


# The table ----------------------------------------------------------------------------------------------------


class Still:
    """A machine that has ended with a status of its own."""

    exit_status = 7
    killed_by = "QEMU was killed"


def test_every_way_has_an_end() -> None:
    assert ENDS.keys() == set(Way)
    for way in (Way.LEFT, Way.HALTED, Way.KILLED):
        known = Run(Still(), [], None, "pith boot", 1.0)  # type: ignore[arg-type]
        try:
            assert conclude(way, known) == {Way.LEFT: 0, Way.HALTED: 7}[way]
        except Ended as ended:
            assert (way, ended.exit_code, ended.message) == (Way.KILLED, 1, "QEMU was killed")
