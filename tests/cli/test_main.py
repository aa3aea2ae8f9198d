"""The command as a whole: help, version, wrong use."""

import subprocess
import sys
from pathlib import Path

import pytest

from pith import __version__
from tests.cli.conftest import Pith


def test_version(pith: Pith) -> None:
    assert pith("--version") == (0, f"pith {__version__}\n", "")


@pytest.mark.parametrize("command", ["boot", "compile", "run", "doctor"])
def test_help_of_each_command(pith: Pith, command: str) -> None:
    ended = pith(command, "--help")
    assert ended.code == 0
    assert f"Usage: pith {command}" in ended.out
    assert command in pith("-h").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bot"],
        ["boot", "--machine", "vax"],
        ["compile"],
        ["compile", "x.py", "--show", "soul"],
        ["doctor", "x"],
    ],
)
def test_wrong_use_ends_with_2_and_no_traceback(pith: Pith, arguments: list[str]) -> None:
    ended = pith(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "Usage" in ended.err


@pytest.mark.slow
def test_the_installed_command() -> None:
    command = Path(sys.executable).with_name("pith")
    ended = subprocess.run([command, "--version"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, f"pith {__version__}\n")


def test_a_command_waits_for_no_other_s_parts() -> None:
    heavy = ("pith.metal", "pith.kernel", "pith.runtime")
    loaded = f"import sys, pith.cli.app; print([name for name in sys.modules if name.startswith({heavy})])"
    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_a_missing_package_is_named() -> None:
    without_typer = "import sys; sys.modules['typer'] = None; from pith.cli.main import main; main()"
    ended = subprocess.run([sys.executable, "-c", without_typer], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == "pith: the Python package `typer` is missing\n  try: make set-up\n"
