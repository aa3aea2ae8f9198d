"""`pith compile` and `pith run`: what they refuse before any work is done."""

from pathlib import Path

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
