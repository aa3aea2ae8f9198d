"""Classes: what a program's own classes may be, and where in the source their faults stand.

A layout is computed when something first needs it; a fault that `pith.metal` finds there (`TypeProblem`) is told at the line
of the class or field that has it.
"""

from __future__ import annotations

import ast
import sys
import typing
from typing import Any

from ...structs import Layout, Struct
from ...types import (
    Embedded,
    PackedUnion,
    PackedValue,
    Record,
    Reference,
    Tuple,
    Type,
    TypeProblem,
    View,
    resolve,
)
from ..diagnostics import Diagnostic, Rejected, diagnose
from ..tree import Location
from . import spelling
from .body import Body
from .kinds import record_items
from .sources import SourceFile, source_file


def admit_class(body: Body, cls: Any, node: ast.AST) -> None:
    """Compute the class's layout, if it was not; a fault in it is told once, and silences what needs it."""
    checked = body.program.checked
    if cls not in checked:
        checked[cls] = True
        problem = class_problem(cls)
        if problem is not None:
            checked[cls] = False
            place = locate_class(cls, problem)
            body.program.problems.append(diagnose(place or body.at(node), problem.reason, problem.remedy))
        else:
            _admit_parts(body, cls, node)
    if not checked[cls]:
        raise Rejected(None)


def _admit_parts(body: Body, cls: Any, node: ast.AST) -> None:
    """The classes that a class's fields name: debug information describes them all."""
    layout = cls.layout()
    for item in (layout.fields if isinstance(layout, Layout) else layout).values():
        try:
            admit_type(body, item.type, node)
        except Rejected:
            continue  # told at the class that has the fault


def admit_type(body: Body, kind: Type, node: ast.AST) -> None:
    """Compute the layout of every class that a type names."""
    match kind:
        case Reference(cls) | Embedded(cls) | PackedValue(cls):
            admit_class(body, cls, node)
        case PackedUnion(variants):
            for variant in variants:
                admit_class(body, variant, node)
        case View(element):
            admit_type(body, element, node)
        case Tuple(items):
            for item in items:
                admit_type(body, item, node)
        case Record(cls):
            _admit_record(body, cls, node)


def _admit_record(body: Body, cls: Any, node: ast.AST) -> None:
    checked = body.program.checked
    if cls not in checked:
        try:
            items = record_items(cls)
            checked[cls] = True
        except TypeProblem as problem:
            checked[cls] = False
            place = locate_class(cls, problem) or body.at(node)
            body.program.problems.append(diagnose(place, problem.reason, problem.remedy))
            raise Rejected(None) from None
        for _, item in items:
            admit_type(body, item, node)
    if not checked[cls]:
        raise Rejected(None)


def class_problem(cls: Any) -> TypeProblem | None:
    """What is wrong with a struct or packed class; None if nothing is."""
    parents = [
        b
        for b in cls.__bases__
        if getattr(b, "__metal_kind__", None) and b.__module__ != "pith.metal.structs"
    ]
    parents = [b for b in parents if b.__module__ not in ("pith.metal.packed", "pith.metal.values")]
    if parents and getattr(cls, "__metal_origin__", None) is None:
        return TypeProblem(
            f"{cls.__name__} inherits from {parents[0].__name__}, and metal classes do not inherit fields",
            f"embed it: `base: Inline[{parents[0].__name__}]`, or write its fields out"
            if issubclass(cls, Struct)
            else "write its fields out",
        )
    try:
        cls.layout()
    except TypeProblem as problem:
        return problem
    except NameError as problem:
        return TypeProblem(
            f"the annotation name `{problem.name}` is unknown when the program runs",
            spelling.where_defined(problem.name, vars(sys.modules[cls.__module__]), spelling.PLAINLY)
            or spelling.PLAINLY,
        )
    except TypeError as problem:
        return TypeProblem(
            f"an annotation of {cls.__name__} cannot be evaluated: {problem}", "name metal types"
        )
    return None


def locate_class(cls: Any, problem: TypeProblem) -> Location | None:
    """The field that a problem is about, else the class; None where the source is not to be found."""
    origin = getattr(cls, "__metal_origin__", cls)
    module = sys.modules.get(origin.__module__)
    try:
        source = source_file(getattr(module, "__file__", None) or "")
    except (OSError, SyntaxError):
        return None
    node = source.classes.get(origin.__qualname__)
    if node is None:
        return None
    return _guilty_field(cls, node, problem, source) or class_head(source, node)


def class_head(source: SourceFile, node: ast.ClassDef) -> Location:
    """The name in the `class` line."""
    start = source.at(node)
    column = start.column + len("class ")
    return Location(start.file, start.line, column, column + len(node.name))


def _guilty_field(cls: Any, node: ast.ClassDef, problem: TypeProblem, source: SourceFile) -> Location | None:
    try:
        hints = typing.get_type_hints(getattr(cls, "__metal_origin__", cls), include_extras=True)
    except (NameError, TypeError):
        hints = {}
    for field in node.body:
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        name = field.target.id
        if f"`{name}`" in problem.reason or _mentions(field.annotation, problem.reason):
            return source.at(field)
        try:
            resolve(hints.get(name, int), getattr(cls, "_bindings", {}))
        except TypeProblem as own:
            if own.reason == problem.reason:
                return source.at(field)
    return None


def _mentions(annotation: ast.expr, reason: str) -> bool:
    return any(isinstance(n, ast.Name) and f"name `{n.id}`" in reason for n in ast.walk(annotation))


def class_diagnostic(cls: Any, problem: TypeProblem, otherwise: Location) -> Diagnostic:
    """The message for a class whose layout has no meaning."""
    return diagnose(locate_class(cls, problem) or otherwise, problem.reason, problem.remedy)
