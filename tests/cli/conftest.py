"""Running `pith` as the user would, without the price of a process."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from pith.cli.errors import guard
from pith.cli.main import run_command_line


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Pith = Callable[..., Ended]


@pytest.fixture
def pith(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pith:
    """Call it with the arguments of the command line."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["pith", *map(str, arguments)])
        try:
            code = guard(run_command_line)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def fake_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a program of the given name on PATH, and nothing else: a shell script that runs `body`."""
    directory = tmp_path / "tools"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))

    def place(name: str, body: str) -> None:
        program = directory / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    return place
