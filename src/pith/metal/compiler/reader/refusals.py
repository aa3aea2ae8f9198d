"""What is not in the language at all: each construct's reason, and what to write instead."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NoReturn

from .body import EXPRESSIONS, STATEMENTS, Body

_COMPREHENSION = ("a comprehension makes a list on CPython's heap", "write a loop that fills an array")

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("a lambda is a function made at run time", "write a `def` at module level"),
    ast.ListComp: _COMPREHENSION,
    ast.SetComp: _COMPREHENSION,
    ast.DictComp: _COMPREHENSION,
    ast.GeneratorExp: ("a generator lives on CPython's heap", "write a loop"),
    ast.List: ("a list lives on CPython's heap", "use a tuple for a few values, an array field for many"),
    ast.Dict: ("a dict lives on CPython's heap", "use an array in a static struct, or `match`"),
    ast.Set: ("a set lives on CPython's heap", "write `in (a, b)`, or use an integer as a set of bits"),
    ast.Await: ("there is no event loop on the metal", "call the function"),
    ast.Starred: ("`*` has no fixed number of items", "write the items out"),
    ast.Slice: ("a slice copies", "use `.part(start, length)`"),
    ast.FunctionDef: ("a function inside a function closes over its locals", "move it to module level"),
    ast.AsyncFunctionDef: ("there is no event loop on the metal", "write a plain `def` at module level"),
    ast.ClassDef: ("a class inside a function is made at run time", "move it to module level"),
    ast.With: ("`with` runs hidden code on every way out", "call what it calls, in the open"),
    ast.AsyncWith: ("there is no event loop on the metal", "call what it calls, in the open"),
    ast.AsyncFor: ("there is no event loop on the metal", "write a plain `for`"),
    ast.Global: (
        "a module's names do not change while the program runs",
        "keep what changes in a static struct",
    ),
    ast.Nonlocal: ("there are no closures", "pass the value as an argument"),
    ast.Delete: ("nothing is deleted on the metal", "assign another value, such as None"),
    ast.Import: ("a function cannot import", "import at the top of the module"),
    ast.ImportFrom: ("a function cannot import", "import at the top of the module"),
    ast.TryStar: ("exception groups are not in the language", "write `except`"),
}


def _refusal(reason: str, remedy: str) -> Callable[[Body, Any], NoReturn]:
    def refuse(body: Body, node: ast.AST) -> NoReturn:
        body.reject(node, reason, remedy)

    return refuse


def register() -> None:
    """Enter every refused construct among the visitors."""
    for node, (reason, remedy) in _REFUSED.items():
        table: dict[Any, Any] = EXPRESSIONS if issubclass(node, ast.expr) else STATEMENTS
        table.setdefault(node, _refusal(reason, remedy))


register()
