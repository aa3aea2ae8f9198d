"""Every way a command can end, and what the user then reads."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pith import UserError
from pith.cli.errors import REFUSALS, UsageError, guard

ROOT = Path(__file__).parents[2]


def raising(error: BaseException) -> NoReturn:
    raise error


def test_a_command_that_returns_ends_with_0() -> None:
    assert guard(lambda: None) == 0


@pytest.mark.parametrize(
    "error, code, text",
    [
        (UserError("no such board", "choose virt"), 1, "pith: no such board\n  try: choose virt\n"),
        (UserError("the image is empty"), 1, "pith: the image is empty\n"),
        (UsageError("one or the other", "--one"), 2, "pith: one or the other\n  try: --one\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (
            ModuleNotFoundError("No module named 'typer'", name="typer"),
            1,
            "pith: the Python package `typer` is missing\n  try: make set-up\n",
        ),
    ],
)
def test_what_the_user_can_mend_is_a_message(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guard(lambda: raising(error)) == code
    assert capsys.readouterr() == ("", text)


@pytest.mark.parametrize("error", [ZeroDivisionError("by 0"), ModuleNotFoundError("gone", name="pith.gone")])
def test_a_bug_keeps_its_traceback_in_a_file(
    error: Exception, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert guard(lambda: raising(error)) == 70
    text = capsys.readouterr().err
    assert text.startswith(f"pith: this is a bug in pith: {type(error).__name__}: {error}\n")
    assert "Traceback" not in text
    saved = re.search(r"traceback is in (\S+);", text)
    assert saved and f"{type(error).__name__}: {error}" in Path(saved[1]).read_text()


def test_what_the_kernel_raises_is_shown_where_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pith.cli.errors.KERNEL", tmp_path)
    source = tmp_path / "syscall.py"
    source.write_text("def handle(thread):\n    return thread.adress\n")
    room: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), room)
    assert guard(lambda: room["handle"]("a thread")) == 1
    text = capsys.readouterr().err
    assert text.startswith(
        f"pith: the kernel, {tmp_path}, raised AttributeError:\n"
        f'  File "{source}", line 2, in handle\n    return thread.adress\n'
    )
    assert text.endswith(
        "AttributeError: 'str' object has no attribute 'adress'\n  try: mend it there; --pdb stops in it before\n"
    )


def test_a_kernel_that_is_no_python(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pith.cli.errors.KERNEL", tmp_path)
    source = tmp_path / "reply.py"
    assert guard(lambda: compile("x = )\n", str(source), "exec")) == 1  # type: ignore[arg-type, return-value]
    text = capsys.readouterr().err
    assert f'File "{source}", line 1\n' in text and "SyntaxError: unmatched ')'" in text


def test_a_bug_where_no_file_can_be_written_shows_its_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    assert guard(lambda: raising(ZeroDivisionError("by 0"))) == 70
    assert "ZeroDivisionError: by 0" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    chatter = """
import sys
from pith.cli.errors import guard
sys.exit(guard(lambda: print("word " * 100_000)))
"""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([sys.executable, "-c", chatter], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


PITH = [sys.executable, "-c", "from pith.cli.main import main; main()"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["cache"], ["compile", "examples/hello.py"]]
)
def test_a_full_disk_behind_standard_output(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run([*PITH, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    complaint = "pith: standard output, or a file, cannot be written: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (1, f"{complaint}  try: make room on that disk\n")


@pytest.mark.parametrize("machine", ["hosted", pytest.param("qemu", marks=pytest.mark.qemu)])
@pytest.mark.slow
def test_a_full_disk_behind_a_machines_output(machine: str) -> None:
    command = [*PITH, "run", "examples/hello.c", "--machine", machine]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert ended.returncode == 1
    assert "cannot be written: No space left on device\n  try: make room" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("closed", [[1], [0, 1], [1, 2], [0, 1, 2]])
def test_closed_standard_streams(closed: list[int]) -> None:
    script = " ".join(['exec "$@"', *(f"{number}>&-" for number in closed)])
    ended = subprocess.run(["sh", "-c", script, "sh", *PITH, "cache"], capture_output=True, text=True)
    lost = "pith: standard output is closed: what is printed is lost\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "" if 2 in closed else lost)


@pytest.mark.parametrize("number", REFUSALS)
def test_what_the_operating_system_refuses_is_no_bug(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    refused = PermissionError if number in (errno.EACCES, errno.EPERM) else OSError
    assert guard(lambda: raising(refused(number, os.strerror(number), "/a/file"))) == 1
    assert capsys.readouterr().err == f"pith: /a/file: {os.strerror(number)}\n  try: {REFUSALS[number]}\n"


def test_what_went_from_the_cache_is_no_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITH_CACHE", "/a/cache")
    assert guard(lambda: raising(FileNotFoundError(2, "Not there", "/a/cache/compiled/x/program.o"))) == 1
    assert "/a/cache/compiled/x/program.o, in the cache: Not there\n  try: run the" in capsys.readouterr().err
    assert guard(lambda: raising(FileNotFoundError(2, "Not there", "/another/x"))) == 70


def test_no_place_for_temporary_files() -> None:
    command = [*PITH, "run", "examples/hello.c", "--machine", "hosted"]
    script = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/dev/null/x']; "
    command[2] = script + command[2]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert ended.returncode == 1
    assert "no directory for temporary files can be written\n  try: name one: export TMPDIR" in ended.stderr
