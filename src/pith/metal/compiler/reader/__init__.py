"""The reader: from living Python functions to the typed tree.

    sources        files parsed once, nodes located            ranges, kinds   what is known of values
    signatures     parameters, results, type variables         program         functions still to read, statics
    body           one function being read; every visitor registers there
    conversions    a value stored under a type                 flow            what is known at one point
    names          names and constants                         operators       arithmetic, subscripts
    comparisons    chains, identity, membership                narrowing       conditions
    attributes     `x.name`                                    stores          fields and elements assigned
    classes        layouts, and their faults                   arguments, construction, builtin_calls, calls
    text           f-strings for text sinks                    statements, control, patterns, matching
    refusals       what is not in the language                 functions       one body to its end
    failures       what may be raised; recursion               loading         files of the user's, imported
    spelling       names that were not found                   own_names       files named like Python's modules

`read_program` starts from root functions and reads what they reach, whole programs at once. It raises CompileError with
every message that it has.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

from .. import tree
from ..diagnostics import CompileError, Rejected
from . import attributes, calls, control, failures, matching, narrowing, operators, refusals, statements, text
from .functions import read_function
from .loading import import_file
from .program import Program, Waiting, owner_of

ROOMS = (
    attributes,
    calls,
    control,
    matching,
    narrowing,
    operators,
    refusals,
    statements,
    text,
)  # they register


DEEPEST = 20_000  # frames: a long chain of `elif` or of `+` is read by as many nested calls


def read_program(roots: Iterable[Callable[..., Any] | ModuleType]) -> tree.Program:
    """The typed tree of all that the roots reach; a module stands for its exported functions and its `main`.

    Raises CompileError for a program that is not metal Python.
    """
    program = Program()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST))
    try:
        for root in roots:
            for function in _functions_of(root):
                _require_root(program, function)
        while program.waiting:
            _read_waiting(program, program.waiting.pop(0))
        return _finish(program)
    finally:
        sys.setrecursionlimit(limit)


def _require_root(program: Program, function: FunctionType) -> None:
    try:
        program.require(function, owner_of(function), {})
    except Rejected as rejected:
        program.problems += [rejected.diagnostic] if rejected.diagnostic else []


def _read_waiting(program: Program, waiting: Waiting) -> None:
    """Read one body; what the reader itself stumbles over is told as a message about the function."""
    try:
        read_function(program, waiting)
    except Exception as surprise:
        if os.environ.get("PITH_DEBUG"):
            traceback.print_exc()
        program.reject(
            waiting.function.location,
            f"`{waiting.function.name}` is not metal Python ({type(surprise).__name__}: {surprise})",
            "write it in simpler steps; PITH_DEBUG=1 shows where the compiler gave up",
        )


def _functions_of(root: Callable[..., Any] | ModuleType) -> list[FunctionType]:
    if isinstance(root, FunctionType):
        return [root]
    functions = [
        f for f in vars(root).values() if isinstance(f, FunctionType) and f.__module__ == root.__name__
    ]
    return [f for f in functions if "__metal_export__" in f.__dict__ or f.__name__ == "main"]


def _finish(program: Program) -> tree.Program:
    functions = [f for f in program.functions.values() if f is not None]
    if not program.problems:
        program.problems += failures.cycles(functions)
    if not program.problems:
        failures.settle(functions)
        program.problems += failures.escapes(functions)
    if program.problems:
        raise CompileError(program.problems)
    files = dict.fromkeys(f.location.file for f in functions)
    return tree.Program(functions, failures.numbered(functions), program.statics_in_order(), list(files))


__all__ = ["CompileError", "import_file", "read_program"]
