"""How large the kernel is: lines of code, counted as the field counts them, without blanks, comments and docstrings.

A line counts if a token of code begins on it, ends on it or passes through it; a docstring is no code. The other kernels'
figures are the published ones, in thousands of lines; they count C, C++ or assembly.
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pith

KERNEL: Final = Path(pith.__file__).parent / "kernel"
LIMIT: Final = 6000

PUBLISHED: Final[tuple[tuple[str, str], ...]] = (
    ("original L4 (i486, assembly)", "6,400"),
    ("L4-embedded", "9,000"),
    ("seL4", "10,200"),
    ("L4/MIPS", "10,500"),
    ("Hazelnut", "10,800"),
    ("L4/Alpha", "14,200"),
    ("OKL4 3.0", "15,000"),
    ("Pistachio", "23,000"),
    ("Fiasco.OC", "37,600"),
    ("Mach", "over 100,000"),
)

NO_CODE: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Counted:
    """One file: lines of code, and lines of it in all."""

    name: str
    code: int
    lines: int


def code_lines(source: str) -> int:
    """The number of lines of code in a Python source."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(ast.parse(source)))


def docstring_lines(module: ast.Module) -> set[int]:
    """The lines that docstrings take."""
    lines: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def count(directory: Path = KERNEL) -> list[Counted]:
    """Every Python file under a directory that has code, by name."""
    counted = []
    for file in sorted(directory.rglob("*.py")):
        source = file.read_text()
        name = file.relative_to(directory).as_posix()
        counted.append(Counted(name, code_lines(source), len(source.splitlines())))
    return [entry for entry in counted if entry.code]
