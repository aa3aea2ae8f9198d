"""What the compiler says to whoever wrote the program: where, why, and what to write instead.

    kernel/endpoint.py:12:9: error: `a` is text, and text cannot be added
        total = a + "x"
                ^~~~~~~
      try: pass the two parts to the text sink one after the other

A message is a `Diagnostic`; a run collects as many as it can and raises them together as a `CompileError`. Inside the
reader, `Rejected` abandons the statement at hand: its message is collected, and reading goes on with the next one.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pith import UserError

from .tree import Location


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong; lines and columns count from 1, `end_column` is exclusive."""

    file: str
    line: int
    column: int
    end_column: int
    message: str
    remedy: str

    def render(self) -> str:
        """The message as the terminal shows it, with the source line and a mark under the place."""
        head = f"{shown_path(self.file)}:{self.line}:{self.column}: error: {self.message}"
        source = linecache.getline(self.file, self.line).rstrip("\n")
        if not source:
            return f"{head}\n  try: {self.remedy}"
        end = min(self.end_column, len(source) + 1)
        indent = len(source) - len(source.lstrip())
        mark = " " * (self.column - 1 - indent) + "^" + "~" * (end - self.column - 1)
        return f"{head}\n    {source.strip()}\n    {mark}\n  try: {self.remedy}"


def shown_path(file: str) -> str:
    """The path as the user would type it: relative when it lies below the working directory."""
    try:
        return os.fspath(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return file


class CompileError(UserError):
    """The program is not metal Python; `diagnostics` says where and why."""

    speaks_for_itself = True

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = sorted(set(diagnostics), key=lambda d: (d.file, d.line, d.column, d.message))
        super().__init__(self.render(), "")  # each diagnostic has its own remedy

    def render(self) -> str:
        """All messages, in the order of the source."""
        return "\n".join(d.render() for d in self.diagnostics)


class Rejected(Exception):
    """The statement being read has no meaning on the metal. Without a diagnostic: its cause was told before."""

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__(diagnostic.render() if diagnostic else "told before")
        self.diagnostic = diagnostic


def diagnose(location: Location, message: str, remedy: str) -> Diagnostic:
    """The diagnostic for a place in the tree's own terms."""
    return Diagnostic(location.file, location.line, location.column, location.end_column, message, remedy)
