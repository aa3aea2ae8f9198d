"""The typed tree as text, for `pith compile --show tree`: a line a statement, each expression with its type.

x: u64 = Convert[u64](Arithmetic[0..36893488147419103230]('+', a, b))
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from .. import types
from ..packed import BitField
from ..structs import Field
from ..types import Type
from . import tree


def show_tree(program: tree.Program) -> str:
    """The whole program."""
    parts = [f"static {symbol}: {type(instance).__name__}" for symbol, instance in program.statics]
    parts += [f"failure {number}: {cls.__name__}" for number, cls in enumerate(program.failures, 1)]
    parts += [_show_function(f) for f in program.functions]
    return "\n".join(parts) + "\n"


def _show_function(function: tree.Function) -> str:
    parameters = ", ".join(f"{name}: {show_type(kind)}" for name, kind in function.parameters)
    lines = [f"\ndef {function.symbol}({parameters}) -> {show_type(function.result)}:"]
    if function.failures:
        lines.append("    fails " + ", ".join(cls.__name__ for cls in function.failures))
    passed = {name for name, _ in function.parameters}
    lines += [f"    local {n}: {show_type(k)}" for n, k in function.locals.items() if n not in passed]
    if function.assembly is not None:
        lines.append("    assembly")
    return "\n".join(lines + [f"    {line}" for s in function.body for line in _show_statement(s)])


def _show_statement(statement: Any) -> list[str]:
    """A statement's head line, and its bodies indented."""
    head, bodies = [type(statement).__name__], []
    for item in fields(statement):
        value = getattr(statement, item.name)
        if isinstance(value, list) and value and isinstance(value[0], _NESTED):
            bodies += [] if item.name in ("body", "then", "cases", "handlers") else [f"  {item.name}:"]
            bodies += [f"    {line}" for inner in value for line in _show_statement(inner)]
        elif item.name != "location" and value not in (None, []):
            head.append(show(value))
    return [" ".join(head), *bodies]


_NESTED = (tree.Statement, tree.Case, tree.Handler)


def show(value: Any) -> str:
    """An expression, or a part of one, on one line."""
    match value:
        case tree.Constant():
            return (
                f"{value.value}"
                if isinstance(value.type, types.Integer)
                else f"{value.value}[{show_type(value.type)}]"
            )
        case tree.Local():
            return value.name
        case tree.StaticReference():
            return f"@{value.symbol}"
        case tree.Expression():
            inner = [getattr(value, f.name) for f in fields(value) if f.name not in ("type", "location")]
            shown = ", ".join(show(part) for part in inner if part not in ("", False))
            return f"{type(value).__name__}[{show_type(value.type)}]({shown})"
        case tree.Function():
            return value.symbol
        case Field() | BitField():
            return f".{value.name}"
        case type():
            return value.__name__
        case list() | tuple():
            return "[" + ", ".join(map(show, value)) + "]"
    return repr(value)


def show_type(kind: Type) -> str:
    """A type as the source would name it."""
    match kind:
        case types.Integer(low, high):
            bits = kind.bits
            if (low, high) == (0, (1 << bits) - 1):
                return f"u{bits}"
            if low < 0 and (low, high) == (-(1 << bits - 1), (1 << bits - 1) - 1):
                return f"i{bits}"
            return f"{low}..{high}"
        case types.Reference(cls, nullable):
            return f"{cls.__name__} | None" if nullable else cls.__name__
        case types.Embedded(cls):
            return f"Inline[{cls.__name__}]"
        case types.Enumeration() | types.PackedValue() | types.Record():
            return kind.cls.__name__
        case types.PackedUnion(variants):
            return " | ".join(v.__name__ for v in variants)
        case types.Tuple(items):
            return f"tuple[{', '.join(map(show_type, items))}]"
        case types.View(element, length):
            return f"Array[{show_type(element)}{'' if length is None else f'; {length}'}]"
    return {types.Boolean: "bool", types.Text: "str", types.Nothing: "None", types.Never: "NoReturn"}[
        type(kind)
    ]
