"""Files of the user's: imported as CPython would, with what goes wrong told at the line that it concerns.

A metal module must import under CPython before anything is compiled. What stops it there (a syntax error, a class that cannot
be laid out, any exception at module level) is a message like every other.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ...types import TypeProblem
from ..diagnostics import CompileError, Diagnostic, diagnose
from ..tree import Location
from .classes import class_head
from .sources import forget, source_file

_LANGUAGE = Path(__file__).resolve().parents[2]  # the frames in here are ours, not the user's


def import_file(path: Path) -> ModuleType:
    """The module in a file. Raises CompileError where it does not import."""
    forget()
    name, root = _module_name(path.resolve())
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        if "." in name or (name in sys.modules and _is_from(sys.modules[name], path)):
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise CompileError(
                [Diagnostic(str(path), 1, 1, 2, "this is not a Python file", "name a .py file")]
            )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    except CompileError:
        raise
    except Exception as problem:
        sys.modules.pop(name, None)
        raise CompileError([_explain(problem, str(path))]) from None


def _is_from(module: ModuleType, path: Path) -> bool:
    return (
        getattr(module, "__file__", None) is not None
        and Path(str(module.__file__)).resolve() == path.resolve()
    )


def _module_name(path: Path) -> tuple[str, Path]:
    """The dotted name of a file, by the packages that it lies in, and the directory to import it from."""
    parts, folder = [path.stem], path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder


def _explain(problem: Exception, path: str) -> Diagnostic:
    if isinstance(problem, SyntaxError) and problem.filename:
        line, column = problem.lineno or 1, problem.offset or 1
        end = problem.end_offset if problem.end_lineno == line and problem.end_offset else column + 1
        reason = f"Python cannot read this: {problem.msg}"
        return Diagnostic(
            problem.filename,
            line,
            column,
            max(end, column + 1),
            reason,
            "correct the syntax: see docs/language.md",
        )
    place = _place(problem, path)
    if isinstance(problem, TypeProblem):
        return diagnose(place, problem.reason, problem.remedy)
    return diagnose(
        place,
        f"importing this module raised {type(problem).__name__}: {problem}",
        "a metal module must import under CPython first",
    )


def _place(problem: Exception, path: str) -> Location:
    """The line of the user's that was being run."""
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if not frame.filename.startswith("<") and _LANGUAGE not in Path(frame.filename).resolve().parents
    ]
    frames = [f for f in frames if "importlib" not in f.filename]
    if not frames:
        return Location(path, 1, 1, 2)
    last = frames[-1]
    line = last.lineno or 1
    source = source_file(last.filename)
    for node in ast.walk(source.module):
        if isinstance(node, ast.ClassDef) and node.lineno == line:
            return class_head(source, node)
    text = source.lines[line - 1].rstrip()
    start = len(text) - len(text.lstrip())
    return Location(last.filename, line, start + 1, len(text) + 1)
