"""Every way a command can end, and what the user then reads."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pith import UserError
from pith.cli.errors import UsageError, guard


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
