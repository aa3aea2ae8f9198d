"""Attributes: fields, properties and class constants of values; what `x.name` means for each type of `x`.

A name that a type does not have is answered with the nearest one that it has.
"""

from __future__ import annotations

import ast
from enum import IntEnum
from types import FunctionType
from typing import Any, NoReturn

from ...packed import BitField
from ...structs import Field
from ...types import (
    Embedded,
    Enumeration,
    Integer,
    Nothing,
    PackedUnion,
    PackedValue,
    Record,
    Reference,
    Text,
    Tuple,
    Type,
    View,
)
from .. import tree
from . import fields, kinds, names, spelling
from .body import Body, reads
from .classes import admit_class
from .conversions import convert
from .signatures import MISSING


@reads(ast.Attribute)
def _attribute(body: Body, node: ast.Attribute) -> tree.Expression:
    failure = failure_item(body, node)
    if failure is not None:
        return failure
    narrowed = fields.narrowed(body, node)
    if narrowed is not None:
        return narrowed
    found = names.known(body, node)
    if found is not MISSING:
        return names.constant(body, found, node)
    owner = names.known(body, node.value)
    if owner is not MISSING and not names.is_run_time(owner):
        refuse_missing(body, node)
    return attribute(body, body.expression(node.value), node.attr, node)


def attribute(body: Body, value: tree.Expression, name: str, node: ast.AST) -> tree.Expression:
    """`value.name`, read."""
    at = body.at(node)
    match value.type:
        case Reference():
            return _of_reference(body, value, name, node)
        case PackedValue(cls):
            admit_class(body, cls, node)
            item = cls.layout().get(name)  # type: ignore[attr-defined]
            if item is not None:
                return load_bits(value, item, at)
            if name == "bits":
                return tree.PackedBits(Integer(0, (1 << value.type.bits) - 1), at, value)
        case PackedUnion():
            return _of_union(body, value, name, node)
        case Record(cls):
            for index, (item_name, kind) in enumerate(kinds.record_items(cls)):
                if item_name == name:
                    return tree.RecordItem(kind, at, value, index)
        case View():
            if name == "length":
                return length_of(body, value, node)
            if name == "address":
                return tree.AddressOf(kinds.WORD, at, value)
            _no_attribute(body, value.type, name, node, ["address", "length", "part"])
        case Enumeration(cls):
            if name == "value":
                return tree.Convert(value.type.storage, at, value, proven=True)
        case _:
            _no_attribute(body, value.type, name, node, [])
    return _through_class(body, value, name, node)


def length_of(body: Body, value: tree.Expression, node: ast.AST) -> tree.Expression:
    """The number of elements of an array, or of bytes of a text."""
    at = body.at(node)
    if isinstance(value, tree.TextConstant):
        size = len(value.text.encode())
        return tree.Constant(Integer(size, size), at, size)
    if isinstance(value.type, View) and value.type.length is not None:
        size = value.type.length
        return tree.Length(Integer(size, size), at, value)
    return tree.Length(kinds.WORD, at, value)


# By type ----------------------------------------------------------------------------------------------------------


def not_none(body: Body, value: tree.Expression, node: ast.AST) -> tree.Expression:
    """A reference that is used: None stops the program here, as AttributeError does under CPython."""
    kind = value.type
    if isinstance(kind, Reference) and kind.nullable:
        return tree.Convert(Reference(kind.cls), value.location, value, "an attribute of None")
    if isinstance(kind, Nothing):
        body.reject(node, "this is always None here, which has no attributes", "give it another value first")
    return value


def _of_reference(body: Body, value: tree.Expression, name: str, node: ast.AST) -> tree.Expression:
    assert isinstance(value.type, Reference)
    cls = value.type.cls
    admit_class(body, cls, node)
    item = cls.layout().fields.get(name)  # type: ignore[attr-defined]
    if item is not None:
        return load_field(not_none(body, value, node), item, body.at(node))
    if name == "address":
        return tree.AddressOf(kinds.WORD, body.at(node), not_none(body, value, node))
    return _through_class(body, value, name, node)


def load_field(value: tree.Expression, item: Field, at: tree.Location) -> tree.Expression:
    """A struct's field, as reading it gives it."""
    kind: Type = Reference(item.type.cls) if isinstance(item.type, Embedded) else item.type
    return tree.LoadField(kind, at, value, item)


def load_bits(value: tree.Expression, item: BitField, at: tree.Location) -> tree.Expression:
    """A packed field: its range is that of its bits, which may be less than its declared type's."""
    kind = item.type
    if isinstance(kind, Integer) and not item.signed:
        kind = Integer(0, ((1 << item.width) - 1) << item.shift)
    elif isinstance(kind, Integer):
        half = 1 << item.width - 1
        kind = Integer(-half << item.shift, (half - 1) << item.shift)
    return tree.LoadBits(kind, at, value, item)


def _of_union(body: Body, value: tree.Expression, name: str, node: ast.AST) -> tree.Expression:
    """A field that every variant has at the same place."""
    variants = kinds.variants_of(value.type)
    if name == "bits":
        assert isinstance(value.type, PackedUnion)
        return tree.PackedBits(Integer(0, (1 << value.type.bits) - 1), body.at(node), value)
    items = [(cls, cls.layout().get(name)) for cls in variants]  # type: ignore[attr-defined]
    without = [cls.__name__ for cls, item in items if item is None]
    if len(without) == len(variants):
        known = [field for cls in variants for field in _attribute_names(cls)]
        remedy = spelling.suggestion(name, known, "use a field that they have")
        body.reject(node, f"no class of this union has `{name}`", remedy)
    if without:
        listed = ", ".join(without[:3]) + ("..." if len(without) > 3 else "")
        body.reject(
            node,
            f"not every class of this union has `{name}`: {listed} {'has' if len(without) == 1 else 'have'} none",
            "narrow it first: store it in a local, then `match` or `isinstance`",
        )
    places = {(i.type, i.at, i.width, i.shift) for _, i in items}
    if len(places) > 1:
        body.reject(
            node,
            f"`{name}` does not lie at the same bits in every class of this union",
            "narrow it first, or give it one place with `bits(at=...)`",
        )
    return load_bits(value, items[0][1], body.at(node))


# Through the class ------------------------------------------------------------------------------------------------


def class_attribute(cls: type, name: str) -> Any:
    """What a class says a name is, without binding it; MISSING where it says nothing."""
    for base in cls.__mro__:
        if name in base.__dict__ and base.__module__ not in ("builtins", "enum"):
            return base.__dict__[name]
    return MISSING


def _through_class(body: Body, value: tree.Expression, name: str, node: ast.AST) -> tree.Expression:
    """A property, or a constant of the class."""
    cls: type = value.type.cls  # type: ignore[attr-defined]
    found = class_attribute(cls, name)
    if isinstance(found, property) and isinstance(found.fget, FunctionType) and not _is_ours(found.fget):
        return call_method(body, value, found.fget, node)
    if isinstance(found, FunctionType | staticmethod | classmethod):
        body.reject(
            node,
            f"`{name}` is a method, and only values are passed around",
            f"call it: `{body.text(node)}()`",
        )
    if found is MISSING or isinstance(found, property) or name.startswith("_"):
        _no_attribute(body, value.type, name, node, _attribute_names(cls))
    return names.constant(body, found, node)


def call_method(body: Body, value: tree.Expression, python: FunctionType, node: ast.AST) -> tree.Expression:
    """A call of a method that takes nothing but `self`."""
    owner = method_owner(value.type)
    function = body.program.require(python, owner, dict(getattr(value.type.cls, "_bindings", {})))  # type: ignore[attr-defined]
    target = function.parameters[0][1]
    receiver = convert(body, not_none(body, value, node), target, "`self`", node)
    return tree.Call(function.result, body.at(node), function, [receiver], [0])


def method_owner(kind: Type) -> Type:
    """The type of `self` in a method of this type."""
    return Reference(kind.cls) if isinstance(kind, Reference) else kind


def _is_ours(function: FunctionType) -> bool:
    return function.__module__ in ("pith.metal.structs", "pith.metal.packed", "pith.metal.memory", "enum")


def _attribute_names(cls: type) -> list[str]:
    kind = getattr(cls, "__metal_kind__", None)
    listed: list[str] = []
    if kind == "struct":
        listed = [*cls.layout().fields, "address"]  # type: ignore[attr-defined]
    elif kind == "packed":
        listed = [*cls.layout(), "bits"]  # type: ignore[attr-defined]
    elif kind == "value":
        listed = [name for name, _ in kinds.record_items(cls)]
    elif issubclass(cls, IntEnum):
        listed = ["value"]
    own = [base for base in cls.__mro__ if not base.__module__.startswith(("pith.metal", "builtins", "enum"))]
    return [*listed, *(name for base in own for name in vars(base) if not name.startswith("_"))]


def _no_attribute(body: Body, kind: Type, name: str, node: ast.AST, known: list[str]) -> NoReturn:
    if known:
        remedy = spelling.suggestion(name, known, f"it has {spelling.listed(known)}")
    else:
        remedy = {Tuple: "unpack it: `a, b = ...`", Text: "use `len(text)` and `ord(text[i])`"}.get(
            type(kind), "use a value that has attributes"
        )
    body.reject(node, f"{kinds.describe(kind)} has no `{name}`", remedy)


def refuse_missing(body: Body, node: ast.expr) -> None:
    """Refuse a name that nothing defines, or an attribute that a module or class does not have.

    Returns for all else, such as locals and their attributes.
    """
    if isinstance(node, ast.Name) and node.id not in body.names:
        names.refuse_undefined(body, node)
    if not isinstance(node, ast.Attribute):
        return
    owner = names.known(body, node.value)
    if owner is MISSING or names.is_run_time(owner):
        return
    if isinstance(owner, type) and isinstance(class_attribute(owner, node.attr), property):
        body.reject(
            node,
            f"`{node.attr}` belongs to the instances of {owner.__name__}, not to the class",
            f"read it from a {owner.__name__}",
        )
    known = [name for name in dir(owner) if not name.startswith("_")]
    body.reject(
        node,
        f"`{body.text(node.value)}` has no `{node.attr}`",
        spelling.suggestion(node.attr, known, "define it there, or name something else"),
    )


# Failures ---------------------------------------------------------------------------------------------------------


def failure_item(body: Body, node: ast.Attribute) -> tree.Expression | None:
    """`failure.field` in `except F as failure`: the local that the handler put the field into."""
    if not isinstance(node.value, ast.Name):
        return None
    for caught in reversed(body.caught):
        if caught.name == node.value.id:
            if node.attr not in caught.fields:
                declared = hasattr(caught.cls, "__dataclass_fields__")
                known = [name for name, _ in kinds.record_items(caught.cls)] if declared else []
                listed = f"it has {spelling.listed(known)}" if known else "it has no fields"
                body.reject(
                    node,
                    f"{caught.cls.__name__} has no `{node.attr}`",
                    spelling.suggestion(node.attr, known, listed),
                )
            local = caught.fields[node.attr]
            return tree.Local(body.types[local], body.at(node), local)
    return None
