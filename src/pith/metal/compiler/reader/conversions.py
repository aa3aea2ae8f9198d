"""Conversions: a value stored under a declared type must fit it.

`convert` gives the expression for `value` as a `target`: the value itself, a `Convert` that checks what is not proven, or a
message where the value can never fit. What it is stored as ("parameter `x` of `f`") stands in messages and panics.
"""

from __future__ import annotations

import ast
from typing import NoReturn

from ...types import (
    Boolean,
    Enumeration,
    Integer,
    Never,
    Nothing,
    PackedUnion,
    PackedValue,
    Reference,
    Text,
    Tuple,
    Type,
    View,
)
from .. import tree
from . import kinds
from .body import Body


def convert(body: Body, value: tree.Expression, target: Type, stored: str, node: ast.AST) -> tree.Expression:
    """`value` as a `target`, to be stored as what `stored` says."""
    kind = value.type
    if kinds.same(kind, target) or isinstance(kind, Never):
        return value
    match kind, target:
        case Integer(), Integer():
            return _convert_integer(body, value, kind, target, stored, node)
        case Enumeration(), Integer():
            return convert(body, as_integer(body, value, node), target, stored, node)
        case Nothing(), Reference(_, True):
            return tree.Constant(target, value.location, 0)
        case Reference(cls), Reference(other) if cls is other:
            reason = "" if target.nullable else f"{stored} is None"
            return tree.Convert(target, value.location, value, reason, proven=target.nullable)
        case View(element), View(other_element, None) if element == other_element:
            return tree.Convert(target, value.location, value, proven=True)
        case Tuple(items), Tuple(targets) if len(items) == len(targets):
            return _convert_tuple(body, value, items, target, stored, node)
    variants = kinds.variants_of(kind)
    if variants and set(variants) <= set(kinds.variants_of(target)):
        return tree.Convert(target, value.location, value, proven=True)
    _refuse(body, kind, target, stored, node)


def _convert_integer(
    body: Body, value: tree.Expression, kind: Integer, target: Integer, stored: str, node: ast.AST
) -> tree.Expression:
    if kind.high < target.low or kind.low > target.high:
        body.reject(
            node,
            f"{stored} is {kinds.describe(target)} ({target.low}..{target.high}), and this is always "
            f"{kind.low if kind.low == kind.high else f'{kind.low}..{kind.high}'}",
            "give it a wider type, or wrap on purpose with `& MASK`",
        )
    if isinstance(value, tree.Constant):
        return tree.Constant(target, value.location, value.value)
    proven = target.low <= kind.low and kind.high <= target.high
    return tree.Convert(target, value.location, value, f"{stored} is {kinds.describe(target)}", proven)


def _convert_tuple(
    body: Body, value: tree.Expression, items: tuple[Type, ...], target: Tuple, stored: str, node: ast.AST
) -> tree.Expression:
    if isinstance(value, tree.MakeRecord):
        converted = [
            convert(body, item, wanted, stored, node)
            for item, wanted in zip(value.items, target.items, strict=True)
        ]
        return tree.MakeRecord(target, value.location, converted, value.order)
    first, again = body.hold_inside(value, node)
    made = []
    for index, (item, wanted) in enumerate(zip(items, target.items, strict=True)):
        source = first if index == 0 else again
        made.append(convert(body, tree.RecordItem(item, value.location, source, index), wanted, stored, node))
    return tree.MakeRecord(target, value.location, made, list(range(len(made))))


def _refuse(body: Body, kind: Type, target: Type, stored: str, node: ast.AST) -> NoReturn:
    remedy = f"pass a value of type {kinds.describe(target)}"
    match kind, target:
        case Boolean(), Integer() | Enumeration():
            remedy = f"write int({body.text(node)})"
        case Integer(), Boolean():
            remedy = f"write {body.operand(node)} != 0"
        case Integer(), Enumeration(cls):
            remedy = f"write {cls.__name__}({body.text(node)})"
        case Nothing(), Reference(cls):
            remedy = f"declare it {cls.__name__} | None"
        case PackedUnion(), PackedValue() | PackedUnion():
            remedy = "narrow it first, with `match` or `isinstance`"
        case _, Text():
            remedy = "only constant text is a str"
        case View(element), View(other, int(length)) if element == other:
            remedy = f"take it from a field of {length} elements"
    body.reject(node, f"{stored} is {kinds.describe(target)}, and this is {kinds.describe(kind)}", remedy)


def as_integer(body: Body, value: tree.Expression, node: ast.AST) -> tree.Expression:
    """An operand of arithmetic: an integer, or an enum member's number."""
    match value.type:
        case Integer() | Never():
            return value
        case Enumeration() as kind:
            if isinstance(value, tree.Constant):
                return tree.Constant(Integer(value.value, value.value), value.location, value.value)
            return tree.Convert(kind.storage, value.location, value, proven=True)
        case Boolean():
            body.reject(node, f"`{body.text(node)}` is a bool, not a number", f"write int({body.text(node)})")
        case Text():
            body.reject(
                node,
                f"`{body.text(node)}` is text, and there is no arithmetic on text",
                "give the parts to the text sink one after the other",
            )
    body.reject(
        node,
        f"`{body.text(node)}` is {kinds.describe(value.type)}, not a number",
        "use an integer: a field, `.address` or `.bits` of it",
    )


def truth(body: Body, value: tree.Expression, node: ast.AST) -> tree.Expression:
    """A value as a condition."""
    match value.type:
        case Boolean() | Never():
            return value
        case Integer():
            if isinstance(value, tree.Constant):
                return tree.Constant(kinds.BOOLEAN, value.location, int(value.value != 0))
            return tree.Convert(kinds.BOOLEAN, value.location, value, proven=True)
        case Enumeration():
            return truth(body, as_integer(body, value, node), node)
        case Reference():
            body.reject(node, "a reference is not a condition", f"write `{body.operand(node)} is not None`")
        case View():
            body.reject(node, "an array is not a condition", f"write `len({body.text(node)}) != 0`")
    body.reject(
        node,
        f"{kinds.describe(value.type)} is not a condition",
        "compare it with something, or test a field of it",
    )


def integer_type(value: tree.Expression) -> Integer:
    """The range of an expression that `as_integer` made."""
    return value.type if isinstance(value.type, Integer) else Integer(0, 0)
