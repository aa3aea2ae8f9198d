"""`pith compile` and `pith run`: what they refuse before any work is done."""

from pathlib import Path

import pytest

from tests.cli.conftest import Pith


def test_compiling_a_file_that_is_not_there(pith: Pith, tmp_path: Path) -> None:
    ended = pith("compile", tmp_path / "absent.py")
    assert ended.code == 1
    assert (
        ended.err
        == f"pith: {tmp_path}/absent.py: No such file or directory\n  try: name a module in metal Python\n"
    )


def test_running_a_file_that_is_not_there(pith: Pith, tmp_path: Path) -> None:
    ended = pith("run", tmp_path / "absent.c")
    assert ended.code == 1
    assert ended.err.startswith(
        f"pith: {tmp_path}/absent.c: No such file or directory\n  try: name a program"
    )


def test_running_what_is_neither_python_nor_c(pith: Pith) -> None:
    ended = pith("run", "server.elf")
    assert ended.code == 2
    assert ended.err.endswith("  try: for an ELF: pith boot --initial server.elf\n")


PROGRAM = """
from pith.metal import export, u64


@export("twice")
def twice(number: u64) -> u64:
    return (number + {operand}) & 0xFFFF
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "expected"),
    [("tree", "twice(number: u64)"), ("ir", "twice"), ("llvm", "define"), ("asm", "twice:")],
)
def test_each_stage_is_shown(pith: Pith, tmp_path: Path, stage: str, expected: str) -> None:
    file = tmp_path / "twice.py"
    file.write_text(PROGRAM.format(operand="number"))
    ended = pith("compile", file, "--show", stage)
    assert ended.code == 0
    assert expected in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["tree", "ir", "llvm", "asm"])
def test_one_function_is_shown(pith: Pith, tmp_path: Path, stage: str) -> None:
    file = tmp_path / "several.py"
    text = "from pith.metal import noinline, u64\n\n\n"
    for name in ("first", "second", "third_second"):
        text += f"@noinline\ndef {name}(number: u64) -> u64:\n    return number // 3\n\n\n"
    file.write_text(text + "def caller(number: u64) -> u64:\n    return second(first(number))\n")
    for only in ("second", "several.second"):
        shown = pith("compile", file, "--show", stage, "--only", only).out
        assert "several.second" in shown and "first" not in shown and "third" not in shown
    assert "several.caller" in pith("compile", file, "--show", stage, "--only", "several").out
    absent = pith("compile", file, "--show", stage, "--only", "secnd")
    assert absent.code == 1 and absent.err.startswith("pith: the program has no function `secnd`")
    assert "\n  try: one of second" in absent.err


def test_a_mistake_is_told_as_compilers_do(pith: Pith, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(PROGRAM.format(operand="nmber"))
    ended = pith("compile", file)
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert lines[0].endswith("wrong.py:7:22: error: `nmber` is not defined")
    assert lines[-1].startswith("  try: ")
