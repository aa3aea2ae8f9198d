"""Signatures: what a function takes and gives, and how the types of a call's arguments choose its specialisation.

A `Signature` is a function's, read once, with annotations as CPython evaluates them; type variables are still in it.
`resolve_in` gives an annotation its type under one choice of those variables; `infer` finds that choice from a call.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from functools import cache
from types import FunctionType, UnionType
from typing import Any, TypeVar

from ...types import (
    Embedded,
    Enumeration,
    Integer,
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
from . import kinds, spelling

MISSING: Any = object()
SELF: Any = object()  # the annotation of an unannotated `self`

Bindings = dict[Any, Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter: its annotation, how it may be passed, its default (MISSING: none)."""

    name: str
    annotation: Any
    positional: bool
    keyword: bool
    default: Any


@dataclass(frozen=True)
class Signature:
    """A function's parameters and result, before type variables are chosen."""

    function: FunctionType
    parameters: tuple[Parameter, ...]
    result: Any


@cache
def signature(function: FunctionType) -> Signature:
    """The signature of a function. Raises TypeProblem for what has no meaning on the metal."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as problem:
        raise TypeProblem(
            f"the annotation name `{problem.name}` is unknown when the program runs",
            spelling.where_defined(problem.name, function.__globals__, spelling.PLAINLY) or spelling.PLAINLY,
        ) from None
    except Exception as problem:
        raise TypeProblem(
            f"an annotation of `{function.__name__}` cannot be evaluated ({type(problem).__name__}: {problem})",
            "annotate with metal types",
        ) from None
    code = function.__code__
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise TypeProblem(
            f"`{function.__name__}` takes a variable number of arguments",
            "name every parameter, or pass an Array",
        )
    count = code.co_argcount + code.co_kwonlyargcount
    defaults = dict(
        zip(code.co_varnames[: code.co_argcount][::-1], (function.__defaults__ or ())[::-1], strict=False)
    )
    defaults |= function.__kwdefaults__ or {}
    parameters = []
    for index, name in enumerate(code.co_varnames[:count]):
        if name not in hints and not (index == 0 and name == "self"):
            raise TypeProblem(f"parameter `{name}` has no type", f"annotate it, e.g. `{name}: u64`")
        positional, keyword = index < code.co_argcount, index >= code.co_posonlyargcount
        annotation = hints.get(name, SELF)
        parameters.append(Parameter(name, annotation, positional, keyword, defaults.get(name, MISSING)))
    if "return" not in hints:
        raise TypeProblem(
            f"`{function.__name__}` does not say what it returns", "write `-> None` or `-> u64`"
        )
    return Signature(function, tuple(parameters), hints["return"])


def resolve_in(annotation: Any, bindings: Bindings, owner: Type | None) -> Type:
    """The type of an annotation in a method of `owner`, under one choice of type variables."""
    if annotation is SELF or annotation is typing.Self:
        if owner is None:
            raise TypeProblem("`self` has no class here", "annotate the parameter")
        return owner
    if _members(annotation) is not None and typing.Self in typing.get_args(annotation):
        members = tuple(_annotation(owner) if a is typing.Self else a for a in typing.get_args(annotation))
        return resolve(typing.Union[members], bindings)  # noqa: UP007
    return resolve(annotation, bindings)


def _members(annotation: Any) -> tuple[Any, ...] | None:
    """The members of a union annotation; None for anything else."""
    union = typing.get_origin(annotation) in (typing.Union, UnionType)
    return typing.get_args(annotation) if union else None


def _annotation(kind: Type | None) -> Any:
    """What one would write for a type, to bind a type variable to it."""
    match kind:
        case Reference(cls, False) | Embedded(cls) | PackedValue(cls) | Record(cls) | Enumeration(cls):
            return cls
        case Reference(cls, True):
            return typing.Optional[cls]  # noqa: UP045
        case PackedUnion(variants):
            return typing.Union[variants]  # noqa: UP007
        case Integer():
            return kinds.next_sized(kind)
    return kind


def infer(annotation: Any, kind: Type, bindings: Bindings) -> None:
    """Bind the type variables in `annotation` so that it accepts a value of this type."""
    if isinstance(annotation, TypeVar):
        known = resolve(bindings[annotation]) if annotation in bindings else kind
        joined = kinds.join(known, kind)
        if joined is not None:
            bindings[annotation] = _annotation(joined)
        return
    arguments = typing.get_args(annotation)
    members = _members(annotation)
    if members is not None:
        if isinstance(kind, Reference):
            kind = Reference(kind.cls)
        variables = [m for m in members if getattr(m, "__parameters__", None) or isinstance(m, TypeVar)]
        for member in variables:
            infer(member, kind, bindings)
    elif isinstance(kind, Reference) and typing.get_origin(annotation) is getattr(
        kind.cls, "__metal_origin__", MISSING
    ):
        chosen = kind.cls._bindings  # type: ignore[attr-defined]
        for argument, parameter in zip(arguments, typing.get_origin(annotation).__parameters__, strict=True):
            infer(argument, resolve(chosen[parameter]), bindings)
    elif isinstance(kind, View) and arguments:
        infer(arguments[0], kind.element, bindings)
    elif isinstance(kind, Tuple) and len(arguments) == len(kind.items):
        for argument, item in zip(arguments, kind.items, strict=True):
            infer(argument, item, bindings)


def shown_bindings(bindings: Bindings) -> str:
    """The chosen types, as they stand in a specialised function's symbol."""
    return ",".join(kinds.describe(resolve(b)).replace(" ", "") for b in bindings.values())
