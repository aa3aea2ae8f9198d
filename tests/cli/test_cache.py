"""`pith cache`, and `pith run` over caches that something happened to."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pith.metal.compiler import cache
from tests.cli.conftest import Pith

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PITH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(place: Path) -> None:
    (place / "program.o").write_bytes(bytes(1 << 20))


def test_what_it_holds_and_how_it_is_emptied(pith: Pith, directory: Path) -> None:
    empty = pith("cache").out
    assert f"{directory}  (PITH_CACHE names another)\n" in empty and "0 entries, 0.0 MiB\n" in empty
    cache.kept("a", make)
    held = pith("cache").out
    assert "1 entry, 1.0 MiB\n" in held and "512.0 MiB" in held and "used just now" in held
    assert pith("cache", "--clear") == (0, f"{directory}: removed 1 entry, 1.0 MiB\n", "")
    assert pith("cache").out == empty


def test_how_old_it_is(pith: Pith) -> None:
    place, _ = cache.kept("a", make)
    os.utime(place, (0, 0))
    assert "days ago" in pith("cache").out


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda old: b"",
    "cut short": lambda old: old[: len(old) * 2 // 3],
    "random": lambda old: os.urandom(len(old)),
}


@pytest.mark.slow
@pytest.mark.parametrize("program", ["examples/hello.py", "examples/hello.c"])
def test_a_program_runs_over_a_damaged_cache(program: str, directory: Path) -> None:
    whole = run(program)
    assert whole.returncode == 0 and "Hello" in whole.stdout and whole.stderr == ""
    for change in CHANGES.values():
        for file in directory.rglob("*"):
            if file.is_file():
                file.write_bytes(change(file.read_bytes()))
        again = run(program)
        assert (again.returncode, again.stdout) == (0, whole.stdout)
        assert again.stderr and all(line.endswith("made anew") for line in again.stderr.splitlines())
    assert vars(run(program)) == vars(whole)


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from pith.cli.main import main; main()",
        "run",
        program,
        "--machine",
        "hosted",
    ]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT)
    return subprocess.CompletedProcess([], ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("arguments", [[], ["--clear"]])
def test_what_is_no_directory_is_called_so(
    pith: Pith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    monkeypatch.setenv("PITH_CACHE", str(file))
    refused = pith("cache", *arguments)
    assert refused.code == 1 and f"{file} is no directory" in refused.err
    assert file.read_text() == "mine"
