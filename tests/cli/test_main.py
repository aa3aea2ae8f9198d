"""The command as a whole: help, version, wrong use."""

import subprocess
import sys
from pathlib import Path

import pytest

from pith import __version__
from tests.cli.conftest import Pith


def test_version(pith: Pith) -> None:
    assert pith("--version") == (0, f"pith {__version__}\n", "")


@pytest.mark.parametrize("command", ["boot", "compile", "run", "doctor", "cache"])
def test_help_of_each_command(pith: Pith, command: str) -> None:
    ended = pith(command, "--help")
    assert ended.code == 0
    assert f"Usage: pith {command}" in ended.out
    assert command in pith("-h").out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["bot"], "no such command 'bot'. Did you mean 'boot'?\n  try: pith --help\n"),
        (["boot", "--machine", "vax"], "'vax' is not one of 'hosted', 'qemu'\n  try: pith boot --help\n"),
        (["compile"], "missing argument 'FILE'\n  try: pith compile --help\n"),
        (["compile", "x.py", "--show", "soul"], "'asm'\n  try: pith compile --help\n"),
        (["doctor", "x"], "(x)\n  try: pith doctor --help\n"),
        (["bench", "--json", "data"], "the command that it is for\n  try: pith bench data --help\n"),
        (["boot", "--nope"], "no such option: --nope\n  try: pith boot --help\n"),
    ],
)
def test_wrong_use_is_told_like_all_errors(pith: Pith, arguments: list[str], error: str) -> None:
    ended = pith(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("pith: ") and ended.err.endswith(error)


def test_nothing_said_shows_the_help(pith: Pith) -> None:
    ended = pith()
    assert (ended.code, ended.err) == (2, "") and "Usage: pith" in ended.out


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


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("pith bu", ["build"]), ("pith boot --mach", ["--machine"]), ("pith boot --machine ho", ["hosted"])],
)
def test_the_shell_completes_commands_options_and_values(
    pith: Pith, monkeypatch: pytest.MonkeyPatch, typed: str, completed: list[str]
) -> None:
    monkeypatch.setenv("_PITH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    assert pith().out.split() == completed
