"""The parts of set-up that need no environment: versions, causes, the system's packages."""

import ast
import errno
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import system
import trouble

TOOL = Path(__file__).parents[2] / "tools" / "set_up"

PlaceTool = Callable[[str, str], Path]


@pytest.fixture
def place_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlaceTool:
    """Put a shell script on a PATH that holds nothing else but the shell's own programs."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def place(name: str, body: str) -> Path:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return program

    return place


@pytest.mark.parametrize("file", sorted(TOOL.glob("*.py")), ids=lambda file: file.name)
def test_an_old_python_can_read_it_far_enough_to_say_so(file: Path) -> None:
    ast.parse(file.read_text(), feature_version=(3, 7))


def test_a_python_that_is_too_old() -> None:
    with pytest.raises(trouble.SetUpError) as refused:
        system.check_version((3, 9, 2))
    assert refused.value.message.startswith("Pith needs Python 3.11 or later; ")
    assert refused.value.message.endswith(" is 3.9")
    assert "make PYTHON=" in refused.value.remedy


def test_a_python_without_venv(monkeypatch: pytest.MonkeyPatch, place_tool: PlaceTool) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name)
    )
    with pytest.raises(trouble.SetUpError, match="no venv or ensurepip module") as refused:
        system.check_venv_modules()
    assert "apt-get install python3-venv" in refused.value.remedy


@pytest.mark.parametrize(
    "output, error",
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            trouble.DISK_FULL,
        ),
        (
            "WARNING: Retrying ... NewConnectionError: Failed to establish a new connection",
            trouble.NO_NETWORK,
        ),
        ("Temporary failure in name resolution\nERROR: No matching distribution found", trouble.NO_NETWORK),
        ("connection broken by 'ReadTimeoutError(...)': /simple/hatchling/", trouble.NO_NETWORK),
        ("ERROR: No matching distribution found for hatchling>=1.27", trouble.NOT_IN_THE_INDEX),
        ("Error: [Errno 13] Permission denied: '/srv/pith/.venv'", trouble.NOT_WRITABLE),
    ],
)
def test_causes_read_from_output(output: str, error: trouble.SetUpError) -> None:
    assert trouble.explain_output(output, "it failed") is error


def test_an_unknown_cause_shows_the_last_words() -> None:
    error = trouble.explain_output("\n".join(f"line {number}" for number in range(99)), "it failed")
    assert error.message.startswith("it failed; the last words were\n      | line 87\n")
    assert error.message.endswith("| line 98")


@pytest.mark.parametrize(
    "number, error",
    [
        (errno.ENOSPC, trouble.DISK_FULL),
        (errno.EACCES, trouble.NOT_WRITABLE),
        (errno.EROFS, trouble.NOT_WRITABLE),
    ],
)
def test_refusals_of_the_operating_system(number: int, error: trouble.SetUpError) -> None:
    assert trouble.explain_refusal(OSError(number, os.strerror(number))) is error


def test_another_refusal_names_the_file() -> None:
    error = trouble.explain_refusal(OSError(errno.EIO, "Input/output error", "pyproject.toml"))
    assert error.message == "pyproject.toml: Input/output error"


@pytest.mark.parametrize(
    "version, said",
    [
        ("8.2.1", "QEMU 8.2\n"),
        ("7.2.22", "QEMU 7.2\n"),
        ("6.2.0", "QEMU 6.2 is too old: Pith needs 7.2 or later,"),
    ],
)
def test_the_qemu_that_is_there(
    place_tool: PlaceTool, capsys: pytest.CaptureFixture[str], version: str, said: str
) -> None:
    place_tool("qemu-system-riscv64", f"echo QEMU emulator version {version}")
    system.provide_qemu()
    assert said in capsys.readouterr().out


def test_without_qemu_and_apt_get_it_says_how_to_install(
    place_tool: PlaceTool, capsys: pytest.CaptureFixture[str]
) -> None:
    system.provide_qemu()
    out = capsys.readouterr().out
    assert "QEMU is absent: Pith boots on its hosted machine instead" in out
    assert "apt-get install qemu-system-misc" in out


def test_root_on_debian_gets_qemu(
    place_tool: PlaceTool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    qemu = place_tool("qemu-hidden", "echo QEMU emulator version 7.2.0")
    place_tool(
        "apt-get",
        f'[ "$1" = update ] || [ "$4" = qemu-system-misc ] && [ "$DEBIAN_FRONTEND" = noninteractive ] || exit 9\n'
        f'[ "$1" = update ] || /bin/mv {qemu} {qemu.with_name("qemu-system-riscv64")}',
    )
    system.provide_qemu()
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines] == [
        "QEMU is absent: installing qemu-system-misc from the system's packages",
        "$ apt-get update",
        "$ apt-get install --yes --no-install-recommends qemu-system-misc",
        "QEMU 7.2",
    ]


def test_an_apt_get_that_fails_is_no_failure_of_ours(
    place_tool: PlaceTool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    place_tool("apt-get", "echo E: Unable to locate package; exit 100")
    system.provide_qemu()
    out = capsys.readouterr().out
    assert "      | E: Unable to locate package\n" in out
    assert "Pith boots on its hosted machine instead" in out
