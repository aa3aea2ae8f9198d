"""Files of the user's: imported as CPython would, with what goes wrong told at the line that it concerns.

A metal module must import under CPython before anything is compiled. What stops it there (a syntax error, a class that cannot
be laid out, any exception at module level) is a message like every other.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import pkgutil
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ...types import TypeProblem
from ..diagnostics import CompileError, Diagnostic, diagnose
from ..tree import Location
from . import spelling
from .classes import class_head
from .own_names import load, own_imports, own_name
from .sources import forget, source_file

_LANGUAGE = Path(__file__).resolve().parents[2]  # the frames in here are ours, not the user's


def import_file(path: Path) -> ModuleType:
    """The module in a file. Raises CompileError where it does not import."""
    forget()
    path = path.resolve()
    if path.suffix != ".py":
        raise CompileError([Diagnostic(str(path), 1, 1, 2, "this is not a Python file", "name a .py file")])
    name, root = _module_name(path)
    package = name.partition(".")[0]
    if package != name and not root.samefile(_root_of(package) or root):
        reason = f"its package, the folder `{package}`, is named like one that Python or Pith has"
        raise CompileError([Diagnostic(str(path), 1, 1, 2, reason, "give the folder another name")])
    if str(root) not in sys.path:
        sys.path.append(str(root))  # behind Python's own, which the compiler needs
    try:
        with own_imports(root):
            return importlib.import_module(name) if package != name else load(own_name(name), path)
    except CompileError:
        raise
    except Exception as problem:
        sys.modules.pop(name, None)
        raise CompileError([_explain(problem, str(path))]) from None


def _root_of(package: str) -> Path | None:
    """The folder that a package of this name would be imported from, if there is one."""
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))).parent if places else None


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
        f"importing this module raised {type(problem).__name__}: {_without_path(problem)}",
        _nearest_name(problem) or "a metal module must import under CPython first",
    )


def _without_path(problem: Exception) -> str:
    """What an exception says; an ImportError without the file that it adds in brackets."""
    return re.sub(r" \(.*\)$", "", str(problem)) if isinstance(problem, ImportError) else str(problem)


def _nearest_name(problem: Exception) -> str:
    """The remedy for a name that is not there; empty for all else."""
    if isinstance(problem, NameError):
        last = list(traceback.walk_tb(problem.__traceback__))[-1][0]
        return spelling.where_defined(problem.name, [*last.f_globals, *vars(builtins)])
    if isinstance(problem, AttributeError):
        return spelling.suggestion(problem.name or "", _public(problem.obj), "")
    unknown = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(problem))
    if isinstance(problem, ImportError) and unknown:
        return spelling.suggestion(unknown[1], _public(sys.modules.get(unknown[2])), "")
    if isinstance(problem, ModuleNotFoundError):
        package, _, missing = (problem.name or "").rpartition(".")
        searched = getattr(sys.modules.get(package), "__path__", None)
        names = [module.name for module in pkgutil.iter_modules(searched) if not module.name.startswith("_")]
        near = spelling.nearest(missing, names if package else [*names, *sys.stdlib_module_names])
        return f"did you mean `{package}.{near}`?".replace("`.", "`") if near else ""
    return ""


def _public(owner: object) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


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
