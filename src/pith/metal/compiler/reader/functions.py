"""One function: read its body until the types of its locals hold still, then see that it ends as it should."""

from __future__ import annotations

import ast

from ...types import Never, Nothing, TypeProblem
from .. import tree
from ..diagnostics import Rejected
from . import kinds
from .body import Body
from .classes import admit_type
from .program import Program, Waiting
from .statements import declare_locals

ROUNDS = 12  # a type that still grows after so many readings grows without end


def read_function(program: Program, waiting: Waiting) -> None:
    """Fill in the function's locals and body; what is wrong goes to the program's problems."""
    body = Body(program, waiting)
    if _refuse_closure(body):
        return
    if not _admit_types(body):
        return
    declare_locals(body)
    for _ in range(ROUNDS):
        body.restart()
        statements = body.block(waiting.node.body)
        statements += _end(body)
        if not body.grown:
            break
    else:
        body.problems = []
        for name, node in body.grown.items():
            _refuse_growth(body, name, node)
    program.problems += body.problems
    if body.silenced and not program.problems:
        raise AssertionError("a statement was left out, and nothing says why")
    waiting.function.locals = body.types
    waiting.function.body = statements


def _refuse_closure(body: Body) -> bool:
    python = body.function.python
    if python.__closure__ is None:
        return False
    names = ", ".join(f"`{n}`" for n in python.__code__.co_freevars)
    try:
        body.reject(
            body.function.location,
            f"`{body.function.name}` uses {names} of the function around it",
            "pass it as an argument, or move both to module level",
        )
    except (Rejected, TypeProblem) as rejected:
        if isinstance(rejected, Rejected) and rejected.diagnostic:
            body.program.problems.append(rejected.diagnostic)
    return True


def _admit_types(body: Body) -> bool:
    """See that the classes in the function's head have layouts; a fault is told at the class."""
    try:
        for kind in [*body.parameters.values(), body.function.result]:
            admit_type(body, kind, body.node)
    except Rejected as rejected:
        body.program.problems += [rejected.diagnostic] if rejected.diagnostic else []
        return False
    return True


def _refuse_growth(body: Body, name: str, node: ast.AST) -> None:
    try:
        body.reject(
            node,
            f"the range of `{name}` grows without end in this loop",
            f"annotate it where it is first set, e.g. `{name}: u64 = 0`",
        )
    except Rejected as rejected:
        body.note(rejected)


def _end(body: Body) -> list[tree.Statement]:
    """What happens behind the last statement."""
    function = body.function
    if not body.state.reachable or body.problems:
        return []
    try:
        if isinstance(function.result, Never):
            body.reject(
                function.location,
                f"`{function.name}` is declared never to return, and its end is reached",
                "end with panic(...), or loop for ever",
            )
        if not isinstance(function.result, Nothing):
            body.reject(
                function.location,
                f"`{function.name}` returns {kinds.describe(function.result)}, and its end can be reached",
                "end every way with `return` or `raise`",
            )
    except Rejected as rejected:
        body.note(rejected)
    last = body.node.body[-1]
    return [tree.Return(body.at(last), None)]
