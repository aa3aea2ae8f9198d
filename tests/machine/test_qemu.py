"""QEMU as a machine: its console, its endings, what is left of it, and QEMUs that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pith import UserError
from pith.machine import DidNotAppear, Ending, board, elf, qemu_program
from pith.machine.elf import Segment
from pith.machine.image import BootImage
from pith.machine.qemu import QemuMachine
from pith.system import image, loader
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

ENTRY = board.KERNEL_PHYSICAL + board.KERNEL_OFFSET
SMALL = 64 << 20

# Kernels. `PUT` prints the letter in a0, `GET` reads one into it (negative: none).
PUT, GET = "li a7, 1\necall\n", "li a7, 2\necall\n"
ECHO = f"li a0, {ord('>')}\n{PUT}1: {GET}bltz a0, 1b\naddi a0, a0, 1\n{PUT}j 1b"


def shutdown(reason: int) -> str:
    return f"li a0, 0\nli a1, {reason}\nli a6, 0\nli a7, 0x53525354\necall"


@pytest.fixture
def build(tmp_path: Path) -> object:
    def write(path: Path, address: int, physical: int, text: str) -> Path:
        code = machine_code(text)
        part = Segment(address, physical, code, len(code))
        path.write_bytes(elf.write(address, [part], part._replace(size=0)))
        return path

    def make(text: str) -> BootImage:
        kernel = write(tmp_path / "kernel.elf", ENTRY, board.KERNEL_PHYSICAL, text)
        program = write(tmp_path / "program.elf", 0x10000, 0x10000, "nop")
        return image.build(tmp_path / "image.elf", program, kernel)

    return make


@pytest.mark.qemu
@pytest.mark.parametrize("reason", [0, 1])
def test_a_shutdown_has_status_0_whatever_its_reason(build: object, reason: int) -> None:
    with QemuMachine(build(shutdown(reason)), memory=SMALL) as machine:  # type: ignore[operator]
        assert machine.run(seconds=ENOUGH) is Ending.EXIT
        assert machine.exit_status == 0
        assert machine.run(seconds=ENOUGH) is Ending.EXIT


@pytest.mark.qemu
def test_the_console_in_and_out(build: object) -> None:
    with QemuMachine(build(ECHO), memory=SMALL, icount=True) as machine:  # type: ignore[operator]
        machine.wait_for(">")
        machine.send("HAL")
        assert machine.wait_for("IBM") == "IBM"
        assert machine.run(seconds=0.05) is Ending.SECONDS
        with pytest.raises(DidNotAppear, match="IBM"):
            machine.wait_for("XYZ", seconds=0.1)


@pytest.mark.qemu
def test_what_the_firmware_prints_is_in_the_transcript_and_not_shown(build: object) -> None:
    shown = bytearray()
    with QemuMachine(build(ECHO), memory=SMALL, echo=shown.extend) as machine:  # type: ignore[operator]
        machine.wait_for(">")
        assert "OpenSBI" in machine.output and "\x02" not in machine.output
    assert shown == b">"


@pytest.mark.qemu
def test_what_the_firmware_prints_is_shown_when_the_loader_never_begins(
    build: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = bytearray()
    monkeypatch.setattr(loader, "CODE", "1: j 1b")
    image = build(ECHO)  # type: ignore[operator]
    with QemuMachine(image, memory=SMALL, echo=shown.extend) as machine:
        assert machine.run(seconds=3) is Ending.SECONDS
    assert b"OpenSBI" in shown


@pytest.mark.qemu
def test_a_paused_machine_stands_still(build: object) -> None:
    with QemuMachine(build(f"1: li a0, 46\n{PUT}j 1b"), memory=SMALL) as machine:  # type: ignore[operator]
        machine.wait_for("....")
        machine.monitor.execute("cont")
        with machine.paused():
            assert (
                machine.monitor.loop.run_until_complete(machine.monitor.client.execute("query-status"))[
                    "status"
                ]
                == "paused"
            )


@pytest.mark.qemu
def test_memory_is_shown(build: object) -> None:
    with QemuMachine(build(ECHO), memory=SMALL) as machine:  # type: ignore[operator]
        assert machine.read_memory(board.KERNEL_PHYSICAL, 4) == machine_code(ECHO)[:4]


@pytest.mark.qemu
def test_nothing_runs_before_the_first_run(build: object) -> None:
    with QemuMachine(build(ECHO), memory=SMALL) as machine:  # type: ignore[operator]
        assert machine.output == ""


@pytest.mark.qemu
def test_nothing_is_left(build: object) -> None:
    with QemuMachine(build(ECHO), memory=SMALL) as machine:  # type: ignore[operator]
        machine.wait_for(">")
        process, directory = machine.process, Path(machine.directory.name)
    assert process.returncode is not None
    assert not directory.exists()
    machine.close()  # again does no harm


@pytest.mark.qemu
def test_qemu_ends_when_python_is_killed(build: object, tmp_path: Path) -> None:
    build(ECHO)  # type: ignore[operator]
    script = (
        "import os, signal\nfrom pathlib import Path\nfrom pith.machine import image\n"
        "from pith.machine.qemu import QemuMachine\n"
        f"machine = QemuMachine(image.read(Path({str(tmp_path / 'image.elf')!r})), memory={SMALL})\n"
        "print(machine.process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=ENOUGH)
    pid = int(done.stdout)
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        os.sched_yield()
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail(f"QEMU {pid} is still there")


@pytest.mark.qemu
def test_a_qemu_that_is_killed_is_an_end_of_its_own(build: object) -> None:
    with QemuMachine(build(ECHO), memory=SMALL) as machine:  # type: ignore[operator]
        machine.wait_for(">")
        machine.process.kill()
        assert machine.run(seconds=ENOUGH) is Ending.KILLED
        assert machine.killed_by == "QEMU was killed by signal 9 (SIGKILL)"
        assert machine.registers() is None
        with pytest.raises(UserError, match="QEMU has ended, and its memory with it"):
            machine.read_memory(board.KERNEL_PHYSICAL, 4)
        assert machine.run(seconds=ENOUGH) is Ending.KILLED


@pytest.mark.qemu
def test_a_qemu_that_has_gone_when_it_is_looked_at_ends_the_run(build: object) -> None:
    """Whether the kernel waits for good is asked of QEMU's monitor; it may end between its last word and the question."""
    made = build(ECHO)  # type: ignore[operator]
    made = made._replace(table=made.table._replace(kernel_state=board.KERNEL_PHYSICAL))
    with QemuMachine(made, memory=SMALL) as machine:
        machine.wait_for(">")
        machine.process.kill()
        machine.process.wait()
        assert machine._waits_for_good() is None
        assert machine.run(seconds=ENOUGH) is Ending.KILLED


@pytest.mark.qemu
def test_the_registers_of_a_machine_that_stands_still(build: object) -> None:
    with QemuMachine(build("li s5, 77\n1: j 1b"), memory=SMALL) as machine:  # type: ignore[operator]
        while machine.run(seconds=0.2) is Ending.SECONDS:
            registers = machine.registers()
            assert registers is not None and registers.general[0] == 0
            if registers.general[21] == 77:  # the firmware has come to its end
                break
        assert registers.pc in range(ENTRY, ENTRY + 8)


@pytest.mark.qemu
def test_more_memory_than_the_host_has_is_told(build: object) -> None:
    with pytest.raises(UserError, match=r"QEMU does not start: .*llocate memory") as caught:
        QemuMachine(build(ECHO), memory=1 << 50)  # type: ignore[operator]
    assert "--memory" in caught.value.remedy


@pytest.mark.qemu
def test_a_qemu_that_does_not_start_says_why(build: object, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build(ECHO)  # type: ignore[operator]
    made.path.unlink()
    with pytest.raises(UserError, match=r"QEMU does not start: .*image\.elf"):
        QemuMachine(made, memory=SMALL)


def fake_qemu(directory: Path, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(exist_ok=True)
    program = directory / "qemu-system-riscv64"
    program.write_text(f"#!/bin/sh\necho '{output}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))


@pytest.mark.parametrize(("output", "complaint"), [
    ("QEMU emulator version 6.2.0", "QEMU 6.2 is too old: Pith needs 7.2 or later"),
    ("QEMU emulator version 8.0.0", "QEMU 8.0 has no machine `virt`"),
    ("something else", "does not say its version"),
])  # fmt: skip
def test_an_unfit_qemu_is_refused(
    build: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, complaint: str
) -> None:
    made = build("nop")  # type: ignore[operator]
    fake_qemu(tmp_path / "bin", output, monkeypatch)
    with pytest.raises(UserError, match=complaint) as caught:
        QemuMachine(made)
    assert caught.value.remedy


def test_an_absent_qemu_is_told_with_what_to_install(
    build: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build("nop")  # type: ignore[operator]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="not on PATH") as caught:
        QemuMachine(made)
    assert "apt-get install" in caught.value.remedy


NEWER = "rv64-riscv-cpu options:\n  zawrs=<bool>  -  (default: true)\n  zba=<bool>  -  (default: true)\n  vlen=<uint16>"


def test_only_extensions_that_a_qemu_knows_are_switched_off_and_an_option_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_qemu(tmp_path / "bin", NEWER, monkeypatch)
    path = str(tmp_path / "bin" / "qemu-system-riscv64")
    assert qemu_program.processor(path, "rv64") == "rv64,zba=off,zawrs=off"
    assert qemu_program.processor(path, "rv64,sstc=off,zba=on") == "rv64,zba=off,zawrs=off,sstc=off,zba=on"
    assert qemu_program.processor(path, "sifive-u54") == "sifive-u54"
