"""Source files: each parsed once, its functions and classes found by name and line, its nodes located.

CPython counts columns in bytes of UTF-8; messages and debug information count characters. A file that exists
only in `linecache` (a program that a test made up) is as good as one on disk.
"""

from __future__ import annotations

import ast
import linecache
from functools import cache
from types import FunctionType

from ..tree import Location


class SourceFile:
    """One parsed file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines = linecache.getlines(path)
        self.module = ast.parse("".join(self.lines), path)
        self.functions: dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self._index(self.module, "")

    def _index(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                first = child.decorator_list[0].lineno if child.decorator_list else child.lineno
                self.functions[child.name, first] = child
                inner = f"{prefix}{child.name}.<locals>."
            elif isinstance(child, ast.ClassDef):
                self.classes[prefix + child.name] = child
                inner = f"{prefix}{child.name}."
            self._index(child, inner)

    def column(self, line: int, offset: int) -> int:
        """The column, from 1, of a byte offset in a line."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return 1 + (offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace")))

    def at(self, node: ast.AST) -> Location:
        """Where a node stands; one that spans lines is marked to the end of its first."""
        line, start = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        first = self.column(line, start)
        if end_line == line:
            return Location(self.path, line, first, max(self.column(line, end), first + 1))
        text = self.lines[line - 1].rstrip() if line <= len(self.lines) else ""
        return Location(self.path, line, first, max(len(text) + 1, first + 1))

    def text(self, node: ast.AST) -> str:
        """The source of a node, on one line."""
        return " ".join((ast.get_source_segment("".join(self.lines), node) or ast.unparse(node)).split())


@cache
def source_file(path: str) -> SourceFile:
    """The parsed file of this path. Raises OSError where there is none, SyntaxError where it is not Python."""
    if not linecache.getlines(path):
        raise OSError(f"no source at {path}")
    return SourceFile(path)


def forget() -> None:
    """Read files again when they are next asked for."""
    source_file.cache_clear()
    linecache.checkcache()


def definition(function: FunctionType) -> tuple[SourceFile, ast.FunctionDef | ast.AsyncFunctionDef] | None:
    """The `def` of a function; None where its source is not to be found."""
    code = function.__code__
    try:
        source = source_file(code.co_filename)
    except (OSError, SyntaxError):
        return None
    node = source.functions.get((code.co_name, code.co_firstlineno))
    return (source, node) if node is not None else None
