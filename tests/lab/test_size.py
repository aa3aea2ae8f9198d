"""Counting lines of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from pith.lab.size import KERNEL, LIMIT, code_lines, count
from tests.cli.conftest import Pith
from tests.cli.conftest import pith as run_pith  # noqa: F401  (a fixture)

# ruff: noqa: F811  (fixtures are asked for by name)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("", 0),
        ('"""A module."""\n\n# a comment\n', 0),
        ('x = 1  # and a comment\n\n\ny = """two\nlines"""\n', 3),
        ('def f(a,\n      b):\n    """What it does,\n    on two lines."""\n    return a\n', 3),
        ('class C:\n    """Only a docstring."""\n', 1),
        ('async def f():\n    "short"\n    await g(\n        1,\n\n        2)\n', 4),
        ('x = 1\n"""a string that is no docstring"""\n', 2),
    ],
)
def test_what_counts_as_code(source: str, expected: int) -> None:
    assert code_lines(source) == expected


def test_files_without_code_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "__init__.py").write_text('"""Nothing."""\n')
    (tmp_path / "inner" / "part.py").write_text("a = 1\n\nb = 2\n")
    assert [(c.name, c.code, c.lines) for c in count(tmp_path)] == [("inner/part.py", 2, 3)]


def test_the_kernel_is_within_its_limit() -> None:
    assert 1000 < sum(file.code for file in count(KERNEL)) <= LIMIT


def test_the_command_shows_files_total_and_others(run_pith: Pith) -> None:
    shown = run_pith("bench", "size")
    assert shown.code == 0
    lines = {line.split()[0]: line.split()[1:] for line in shown.out.splitlines() if line.split()}
    total = sum(file.code for file in count(KERNEL))
    assert lines["in"][1] == f"{total:,}"
    assert lines["Pith"] == [f"{total:,}"] and lines["seL4"] == ["10,200"]
    assert "riscv64/vspace.py" in lines
