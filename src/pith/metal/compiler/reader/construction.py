"""Making values: packed classes, value classes, enums from numbers, and changed copies of values.

What the source leaves out is filled in with its default, so that every node names all fields.
"""

from __future__ import annotations

import ast
import dataclasses
from enum import IntEnum
from typing import Any

from ...failures import Failure
from ...packed import BitField
from ...structs import Struct
from ...types import Enumeration, Integer, PackedUnion, PackedValue, Record, Type
from .. import tree
from . import kinds, names
from .arguments import Given, Slot, match_arguments
from .body import Body
from .classes import admit_class
from .conversions import as_integer, convert


def construct(body: Body, call: ast.Call, cls: type) -> tree.Expression:
    """`cls(...)`."""
    kind = getattr(cls, "__metal_kind__", None)
    if kind == "packed":
        return _packed(body, call, cls)
    if kind == "value":
        items, order = record_arguments(body, call, cls)
        return tree.MakeRecord(Record(cls), body.at(call), items, order)
    if issubclass(cls, IntEnum):
        return _member(body, call, cls)
    if issubclass(cls, Struct):
        body.reject(
            call,
            f"{cls.__name__} is memory, and a call does not make memory",
            f"write {cls.__name__}.at(address), or static({cls.__name__}) at module level",
        )
    if issubclass(cls, Failure):
        body.reject(call, f"{cls.__name__} is a failure, not a value", f"write `raise {cls.__name__}(...)`")
    body.reject(
        call,
        f"{cls.__name__} is not a metal class",
        "use classes that derive from Packed, Value or IntEnum",
    )


def field_range(item: BitField) -> Type:
    """The values that a packed field can be given: those of its type that its bits can hold."""
    kind = item.type
    if not isinstance(kind, Integer):
        return kind
    if kind.signed:
        half = 1 << item.width - 1
        return Integer(max(kind.low, -half << item.shift), min(kind.high, (half - 1) << item.shift))
    return Integer(kind.low, min(kind.high, ((1 << item.width) - 1) << item.shift))


def _packed(body: Body, call: ast.Call, cls: Any) -> tree.Expression:
    admit_class(body, cls, call)
    items: list[BitField] = list(cls.layout().values())
    given = match_arguments(body, call, [Slot(i.name, not i.has_default) for i in items], cls.__name__)
    fields = [(items[i], _field_value(body, cls, items[i], given.nodes[i])) for i in given.order]
    for item, node in zip(items, given.nodes, strict=True):
        if node is None:
            default = names.constant(body, item.default, call)
            fields.append((item, convert(body, default, field_range(item), _stored(cls, item.name), call)))
    return tree.MakePacked(PackedValue(cls), body.at(call), cls, fields)


def _field_value(body: Body, cls: type, item: BitField, node: ast.expr | None) -> tree.Expression:
    assert node is not None
    return convert(body, body.expression(node), field_range(item), _stored(cls, item.name), node)


def _stored(cls: type, name: str) -> str:
    return f"field `{cls.__name__}.{name}`"


def record_arguments(body: Body, call: ast.Call, cls: type) -> tuple[list[tree.Expression], list[int]]:
    """A Value's or Failure's fields from a call, by position, and the order of their evaluation."""
    items = kinds.record_items(cls)
    defaults = {f.name: f.default for f in dataclasses.fields(cls) if f.default is not dataclasses.MISSING}
    given = match_arguments(body, call, [Slot(n, n not in defaults) for n, _ in items], cls.__name__)
    values: list[tree.Expression | None] = [None] * len(items)
    for position in given.order:
        name, kind = items[position]
        values[position] = _argument(body, given, position, kind, _stored(cls, name))
    for position, (name, kind) in enumerate(items):
        if values[position] is None:
            default = names.constant(body, defaults[name], call)
            values[position] = convert(body, default, kind, _stored(cls, name), call)
    rest = [i for i in range(len(items)) if i not in given.order]
    return [v for v in values if v is not None], given.order + rest


def _argument(body: Body, given: Given, position: int, kind: Type, stored: str) -> tree.Expression:
    node = given.nodes[position]
    assert node is not None
    return convert(body, body.expression(node), kind, stored, node)


def _member(body: Body, call: ast.Call, cls: type[IntEnum]) -> tree.Expression:
    """`E(number)`: the member with that number; there must be one."""
    if len(call.args) != 1 or call.keywords:
        body.reject(call, f"`{cls.__name__}` takes one number", f"write {cls.__name__}(number)")
    value = body.expression(call.args[0])
    if isinstance(value.type, Enumeration) and value.type.cls is cls:
        return value
    number = as_integer(body, value, call.args[0])
    if isinstance(number, tree.Constant):
        if number.value not in {int(m) for m in cls}:
            body.reject(call, f"{cls.__name__} has no member {number.value}", "use a member's name")
        return tree.Constant(Enumeration(cls), body.at(call), number.value)
    return tree.Convert(Enumeration(cls), body.at(call), number, f"not a {cls.__name__}")


# Changed copies -----------------------------------------------------------------------------------------------------


def replace_call(body: Body, call: ast.Call) -> tree.Expression:
    """`replace(value, field=...)`."""
    if len(call.args) != 1:
        body.reject(call, "`replace` takes one value, and keywords", "write `replace(value, field=new)`")
    value = body.expression(call.args[0])
    match value.type:
        case PackedValue(cls):
            return _replace_bits(body, call, value, cls)
        case Record(cls):
            return _replace_items(body, call, value, cls)
        case PackedUnion():
            return _replace_in_union(body, call, value, value.type)
    body.reject(
        call.args[0],
        f"{kinds.describe(value.type)} is not a packed or value object",
        "assign to the field of a struct instead",
    )


def _changes(body: Body, call: ast.Call, known: list[str], cls: type) -> Given:
    changes = ast.Call(call.func, [], call.keywords)
    ast.copy_location(changes, call)
    return match_arguments(body, changes, [Slot(name, required=False) for name in known], cls.__name__)


def _replace_in_union(
    body: Body, call: ast.Call, value: tree.Expression, kind: PackedUnion
) -> tree.Expression:
    """Whatever class the value has, a changed copy of that class."""
    first, again = body.hold_inside(value, call.args[0])
    changed = [
        _replace_bits(body, call, tree.Convert(PackedValue(v), value.location, again, proven=True), v)
        for v in kind.variants
    ]
    result: tree.Expression = tree.Convert(kind, body.at(call), changed[-1], proven=True)
    for variant, copy in reversed(list(zip(kind.variants[:-1], changed[:-1], strict=True))):
        subject = first if variant is kind.variants[0] else again
        test = tree.IsVariant(kinds.BOOLEAN, value.location, subject, (variant,))
        widened = tree.Convert(kind, body.at(call), copy, proven=True)
        result = tree.Conditional(kind, body.at(call), test, widened, result)
    return result


def _replace_bits(body: Body, call: ast.Call, value: tree.Expression, cls: Any) -> tree.Expression:
    admit_class(body, cls, call)
    items: list[BitField] = list(cls.layout().values())
    given = _changes(body, call, [i.name for i in items], cls)
    fields = [(items[i], _field_value(body, cls, items[i], given.nodes[i])) for i in given.order]
    return tree.ReplaceBits(PackedValue(cls), body.at(call), value, fields)


def _replace_items(body: Body, call: ast.Call, value: tree.Expression, cls: type) -> tree.Expression:
    items = kinds.record_items(cls)
    given = _changes(body, call, [name for name, _ in items], cls)
    first, again = body.hold_inside(value, call.args[0])
    values: dict[int, tree.Expression] = {}
    kept = [i for i in range(len(items)) if i not in given.order]
    if not kept:
        body.reject(call, f"this replaces every field of {cls.__name__}", f"write {cls.__name__}(...)")
    for count, position in enumerate(kept):
        source = again if count else first
        values[position] = tree.RecordItem(items[position][1], body.at(call), source, position)
    for position in given.order:
        name, kind = items[position]
        values[position] = _argument(body, given, position, kind, _stored(cls, name))
    made = [values[i] for i in range(len(items))]
    return tree.MakeRecord(Record(cls), body.at(call), made, kept + given.order)
