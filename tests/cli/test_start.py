"""`pith boot` as a process: keyboard, pipes, pdb, gdb, endings, and files that cannot be booted."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pith.machine import elf
from pith.machine.elf import Segment
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

pytestmark = pytest.mark.slow  # each is a process or two

PITH = [sys.executable, "-c", "from pith.cli.main import main; main()"]
MACHINES = ["hosted", pytest.param("qemu", marks=pytest.mark.qemu)]

PUT_CHAR, HALT = -12, -14
HELLO = "".join(f"li a0, {ord(c)}\nli a7, {PUT_CHAR}\necall\n" for c in "hello\n") + f"li a7, {HALT}\necall\n"
LOOP = "1: j 1b\n"
SUSPEND_ITSELF = f"li a0, 1\nli a1, {12 << 12}\nli a7, -1\necall\n"
# Its scheduling context, capability 14, gets ten milliseconds in three seconds; then it runs for twenty.
PAUSE = f"""
    ld t0, 32(a0)       # the IPC buffer
    li t1, 14
    sd t1, 976(t0)
    sd zero, 40(t0)     # the fifth word: no flags
    ld a0, 152(a0)      # SchedControl
    li a1, {33 << 12 | 1 << 7 | 5}
    li a2, 10000
    li a3, 3000000
    li a4, 0
    li a5, 0
    li a7, -1
    ecall
    rdtime t0
    li t1, 200000
    add t0, t0, t1
1:  rdtime t1
    bltu t1, t0, 1b
"""
WRONG_IN_C = """
#include <pith.h>
void pith_main(const struct pith_bootinfo *info)
{
    #pragma clang loop unroll(disable)  // three copies would be three places to complain about
    for (int count = 0; info && count < 3; count++)
        pith_call(PITH_ROOT_TCB, pith_info(PITH_TCB_SET_FLAGS, 0, 0), PITH_NO_WORDS);
    pith_debug_halt();
}
"""


def write_program(path: Path, text: str) -> Path:
    code = machine_code(text)
    part = Segment(0x10000, 0x10000, code, len(code))
    path.write_bytes(elf.write(0x10000, [part], part._replace(size=0)))
    return path


def pith(*arguments: object, typed: str = "", seconds: float = 90) -> subprocess.CompletedProcess[str]:
    command = [*PITH, *map(str, arguments)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_of_ones_own(tmp_path: Path, machine: str) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    ended = pith("boot", "--machine", machine, "--initial", program)
    assert "hello\n" in ended.stdout
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(("complaints", "count"), [("silent", 0), ("once", 1), ("all", 3)])
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("command", ["boot", "run"])
def test_complaints_as_many_as_wanted(
    tmp_path: Path, command: str, machine: str, complaints: str, count: int
) -> None:
    """The same mistake three times: TCB_SetFlags without its words."""
    text = f"li s0, 3\n1: li a0, 1\nli a1, {17 << 12}\nli a7, -1\necall\naddi s0, s0, -1\nbnez s0, 1b\n"
    options = ["--machine", machine, "--complaints", complaints]
    if command == "boot":
        program = write_program(tmp_path / "wrong.elf", f"{text}li a7, {HALT}\necall\n")
        ended = pith("boot", "--initial", program, *options)
    else:
        source = tmp_path / "wrong.c"
        source.write_text(WRONG_IN_C)
        ended = pith("run", source, *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("initial: TCB_SetFlags on 0x1 (Thread): clear missing") == count


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_that_takes_too_long(tmp_path: Path, machine: str) -> None:
    program = write_program(tmp_path / "loop.elf", LOOP)
    ended = pith("boot", "--machine", machine, "--initial", program, "--timeout", "1")
    assert ended.returncode == 124
    assert ended.stderr.startswith("pith: stopped after 1 seconds")  # where it was then: test_ends.py
    assert ended.stderr.endswith("\n  try: give it more: --timeout SECONDS\n")


@pytest.mark.parametrize("machine", MACHINES)
def test_a_dump_to_inspect(tmp_path: Path, machine: str) -> None:
    program, dump = write_program(tmp_path / "loop.elf", LOOP), tmp_path / "loop.dump"
    ended = pith("boot", "--machine", machine, "--initial", program, "--timeout", "2", "--dump", dump)
    assert ended.returncode == 124
    assert f"to look into it: pith inspect {dump}\n" in ended.stderr
    assert dump.stat().st_blocks * 512 < dump.stat().st_size / 4  # zeros take no room
    assert pith("inspect", dump, "--check").stdout.count("\n") == 1  # the verdict alone
    shown = pith("inspect", dump, "threads", "--check")
    assert re.search(r"initial +0x8\w+ +running, current +255 ", shown.stdout), shown.stderr
    assert shown.stdout.endswith(" invariants, 0 violations\n")


def test_a_dump_with_no_place_is_refused_before_anything_runs(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    refused = pith(
        "boot", "--machine", "hosted", "--initial", program, "--dump", tmp_path / "nowhere" / "dump"
    )
    assert refused.returncode == 1 and "there is no directory" in refused.stderr and not refused.stdout


def test_a_dump_of_a_hosted_machine_that_has_ended(tmp_path: Path) -> None:
    program, dump = write_program(tmp_path / "hello.elf", HELLO), tmp_path / "hello.dump"
    ended = pith("boot", "--machine", "hosted", "--initial", program, "--dump", dump)
    assert ended.returncode == 0 and pith("inspect", dump, "threads").returncode == 0


@pytest.mark.qemu
def test_a_dump_of_a_qemu_that_has_ended(tmp_path: Path) -> None:
    program, dump = write_program(tmp_path / "hello.elf", HELLO), tmp_path / "hello.dump"
    dump.write_text("what was there before")
    ended = pith("boot", "--machine", "qemu", "--initial", program, "--dump", dump)
    assert ended.returncode == 1 and "QEMU has ended, and its memory with it" in ended.stderr
    assert dump.read_text() == "what was there before" and not list(tmp_path.glob("*.part"))


def test_a_checked_kernel_boots(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    ended = pith(
        "boot",
        "--machine",
        "hosted",
        "--initial",
        program,
        "--checked",
        "--pdb",
        typed="p __metal_fit__\nc\n",
    )
    assert "ello" in ended.stdout
    assert "NameError" not in ended.stdout and ended.returncode == 0


def test_a_release_kernel_has_no_debug_calls(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO + LOOP)
    ended = pith("boot", "--machine", "hosted", "--initial", program, "--release", "--timeout", "2")
    assert "hello" not in ended.stdout


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_that_dies_leaves_a_message_and_a_status(tmp_path: Path, machine: str) -> None:
    """A fault that nobody handles leaves no thread that could run."""
    program = write_program(tmp_path / "fault.elf", "unimp\n")
    ended = pith("boot", "--machine", machine, "--initial", program)
    assert "stops at pc 0x10000, for it has no fault handler: illegal instruction" in ended.stdout
    assert ended.stderr.startswith(
        "pith: initial met an illegal instruction, 0x0000 (unimp), at pc 0x10000, and nothing runs any more\n"
    )
    assert ended.returncode == 1


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_whose_programs_have_ended_ends(tmp_path: Path, machine: str) -> None:
    program = write_program(tmp_path / "end.elf", SUSPEND_ITSELF)
    ended = pith("boot", "--machine", machine, "--initial", program)
    assert ended.stderr.endswith("pith: the machine sleeps, and nothing will wake it\n")
    assert ended.returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_the_end_of_the_input_ends_a_machine_that_waits_for_it(machine: str) -> None:
    ended = pith("boot", "--machine", machine, typed="ps\n")
    assert ended.stdout.count("pith>") == 2
    assert ended.stderr.endswith("pith: the machine waits for input, and there will be no more\n")
    assert ended.returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_that_waits_for_time_goes_on(tmp_path: Path, machine: str) -> None:
    """Its only thread has used up a budget that comes back after three seconds."""
    program = write_program(tmp_path / "pause.elf", PAUSE + HELLO)
    ended = pith("boot", "--machine", machine, "--initial", program)
    assert "hello\n" in ended.stdout and ended.returncode == 0


def test_pdb_stops_at_the_call_with_the_thread_in_hand(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    commands = "p number == 0, chr(thread.registers[9])\nw\nc\n" * 2 + "q\n"
    arguments = ("boot", "--machine", "hosted", "--initial", program, "--pdb", "DebugPutChar")
    ended = pith(*arguments, typed=commands.replace("number == 0", "'got'"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("(pith) ('got', 'h')") == 1
    assert ended.stdout.count("(pith) ('got', 'e')") == 1
    assert "kernel/syscall.py" in ended.stdout and "handle(thread)" in ended.stdout
    assert "hello" not in ended.stdout  # it was left before


def test_pdb_stops_in_the_fast_path_at_a_call_that_it_may_do(tmp_path: Path) -> None:
    program = write_program(tmp_path / "send.elf", "li a7, -5\nli a0, 0\nli a1, 0\necall\n" + HELLO)
    ended = pith("boot", "--machine", "hosted", "--initial", program, "--pdb", "Send", typed="w\nc\n")
    assert ended.returncode == 0, ended.stderr
    assert "kernel/fastpath.py" in ended.stdout and "hello" in ended.stdout


def test_pdb_stops_once_at_the_first_call_of_any(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    ended = pith("boot", "--initial", program, "--pdb", typed="c\n")
    assert ended.returncode == 0
    assert ended.stdout.count("-> ") == 1 and "ello\n" in ended.stdout


def test_pdb_stops_at_a_fault(tmp_path: Path) -> None:
    program = write_program(tmp_path / "fault.elf", "unimp\n")
    ended = pith("boot", "--initial", program, "--pdb", "fault", typed="p thread.fault_kind\nc\n")
    assert "USER_EXCEPTION" in ended.stdout


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("gdb-multiarch") is None, reason="gdb-multiarch is not on PATH")
def test_gdb_shows_the_kernels_python(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    command = [*PITH, "boot", "--gdb", "--initial", str(program), "--timeout", "60"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as booting:
        assert booting.stderr is not None and booting.stdout is not None
        while "gdb-multiarch" not in (line := booting.stderr.readline()):
            assert booting.poll() is None
        script = f"{line.strip()} -batch -ex bt -ex delete -ex 'info args' -ex detach"
        debugged = subprocess.run(
            script, shell=True, capture_output=True, text=True, timeout=ENOUGH, check=False
        )
        assert booting.wait(60) == 0
        assert "hello" in booting.stdout.read()
    assert "kernel/boot.py" in debugged.stdout
    assert "user_entry = 65536" in debugged.stdout


@pytest.mark.parametrize("machine", MACHINES)
def test_ctrl_a_x_leaves_and_gives_the_terminal_back(tmp_path: Path, machine: str) -> None:
    program = write_program(tmp_path / "loop.elf", HELLO.replace(f"li a7, {HALT}\necall\n", LOOP))
    person, terminal = pty.openpty()
    command = [*PITH, "boot", "--machine", machine, "--initial", str(program)]
    with subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as booting:
        os.close(terminal)
        before = read_until(person, b"hello")
        assert b"Ctrl-A X leaves" in before and str(program).encode() in before
        os.write(person, b"\x01")
        time.sleep(0.2)  # a person's fingers are no faster
        assert booting.poll() is None
        os.write(person, b"x")
        assert booting.wait(ENOUGH) == 0
    os.close(person)


def read_until(descriptor: int, text: bytes) -> bytes:
    """All that comes up to this text."""
    seen, give_up = b"", time.monotonic() + 60
    while text not in seen and time.monotonic() < give_up:
        if select.select([descriptor], [], [], 0.1)[0]:
            seen += os.read(descriptor, 4096)
    assert text in seen
    return seen


TALKATIVE = f"1: li a0, {ord('.')}\nli a7, {PUT_CHAR}\necall\nj 1b\n"


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_that_never_falls_silent_can_be_left_and_suspended(tmp_path: Path, machine: str) -> None:
    program = write_program(tmp_path / "talk.elf", TALKATIVE)
    person, terminal = pty.openpty()
    command = [*PITH, "boot", "--machine", machine, "--initial", str(program)]
    booting = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    try:
        os.close(terminal)
        read_until(person, b"....")
        booting.send_signal(signal.SIGTSTP)
        state = read_until_changed(person, booting.pid)
        assert os.WIFSTOPPED(state)
        booting.send_signal(signal.SIGCONT)
        read_until(person, b"....")
        os.write(person, b"\x01x")
        assert os.waitstatus_to_exitcode(read_until_changed(person, booting.pid)) == 0
    finally:
        booting.kill()
        os.close(person)


def read_until_changed(descriptor: int, process: int) -> int:
    """Take what a process prints until it stops or ends; its status."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        found, status = os.waitpid(process, os.WUNTRACED | os.WNOHANG)
        if found:
            return status
        if select.select([descriptor], [], [], 0.01)[0]:
            with contextlib.suppress(OSError):  # Linux: nobody is at the other end any more
                os.read(descriptor, 65536)
    pytest.fail("it neither stopped nor ended")


def test_the_hosted_machine_has_no_firmware_to_show() -> None:
    refused = subprocess.run(
        [*PITH, "boot", "--machine", "hosted", "--firmware"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2 and "leave out --firmware" in refused.stderr


@pytest.mark.qemu
@pytest.mark.parametrize(("options", "shown"), [([], False), (["--firmware"], True)])
def test_the_firmware_is_shown_when_asked_for(tmp_path: Path, options: list[str], shown: bool) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    ended = pith("boot", "--machine", "qemu", "--initial", program, *options)
    assert ("OpenSBI" in ended.stdout) is shown and "\x02" not in ended.stdout
    assert ended.stdout.endswith("hello\nhalted by a system call\n")
    assert shown or ended.stdout.startswith("hello")


@pytest.mark.parametrize(("content", "complaint"), [
    (b"\x7fELF", "is a broken ELF file: its header is cut off"),
    (b"echo hello", "is not an ELF file"),
    (Path(sys.executable).resolve().read_bytes()[:4096], "was built for "),
])  # fmt: skip
def test_a_file_that_cannot_be_booted(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    ended = pith("boot", "--machine", "hosted", "--initial", file)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"pith: {file} {complaint}") and "\n  try: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    monkeypatch.setenv("PITH_CACHE", str(program / "below a file"))
    ended = pith("boot", "--machine", "hosted", "--initial", program)
    assert ended.returncode == 0 and "hello" in ended.stdout
    assert "cannot be written (Not a directory): what is compiled is not kept" in ended.stderr


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_too_large_for_the_memory(tmp_path: Path, machine: str) -> None:
    program = tmp_path / "large.elf"
    part = Segment(0x10000, 0x10000, b"\x13\0\0\0", 20 << 20)
    program.write_bytes(elf.write(0x10000, [part], part._replace(size=0)))
    ended = pith("boot", "--machine", machine, "--initial", program, "--memory", "16M")
    assert ended.returncode == 1
    assert "is too large" in ended.stderr and "--memory 64M" in ended.stderr


def test_without_qemu_it_boots_on_the_hosted_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = write_program(tmp_path / "hello.elf", HELLO)
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = pith("boot", "--initial", program)
    assert ended.returncode == 0 and "hello" in ended.stdout
    assert "booting on the hosted machine" in ended.stderr
