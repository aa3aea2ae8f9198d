"""Constant tables: a tuple of constants at module level, looked up by an index that is known at run time only.

All items are of one kind: integers (their ranges are joined), bools, members of one enum, texts, or values of one packed
class. The compiler puts them into constant memory, in a row. There is no position before the first: an index that could
be negative, which Python would count from the end, is refused here; one behind the last stops the program.
"""

from __future__ import annotations

import ast
from typing import Any

from ...types import Boolean, Enumeration, Integer, PackedValue, Reference, Text, Type, View
from .. import tree
from . import kinds, names
from .body import Body
from .conversions import as_integer, integer_type


def table(body: Body, items: tuple[Any, ...], node: ast.expr) -> tree.ConstantTable:
    """The table of these constants; `node` is how the program names it."""
    shown = body.text(node)
    if not items:
        body.reject(node, f"`{shown}` is empty, and so has no element", "give it items")
    values = [names.constant(body, item, node) for item in items]
    element = values[0].type
    for value in values[1:]:
        joined = kinds.join(element, value.type)
        if joined is None:
            body.reject(
                node,
                f"`{shown}` holds {kinds.describe(element)} and {kinds.describe(value.type)}",
                "keep items of one kind in a table, and make two tables of two kinds",
            )
        element = joined
    if not _can_be_element(element):
        body.reject(
            node,
            f"`{shown}` holds {kinds.describe(element)}, which no table can",
            "keep integers, bools, enum members, text or packed values in it; make one table for each part",
        )
    return tree.ConstantTable(View(element, len(items)), body.at(node), items)


def _can_be_element(kind: Type) -> bool:
    """Whether constant memory can hold such values."""
    if isinstance(kind, Integer):
        return kind.size > 0
    if isinstance(kind, PackedValue):
        fields = kind.cls.layout().values()  # type: ignore[attr-defined]
        return not any(isinstance(field.type, Reference) for field in fields)
    return isinstance(kind, Boolean | Enumeration | Text)


def item(body: Body, node: ast.Subscript, items: tuple[Any, ...]) -> tree.Expression:
    """`TABLE[index]`."""
    view = table(body, items, node.value)
    assert isinstance(view.type, View)
    index = as_integer(body, body.expression(node.slice), node.slice)
    kind = integer_type(index)
    if kind.low < 0:
        body.reject(
            node.slice,
            f"`{body.text(node.slice)}` may be negative, which Python would count from the end",
            "declare it unsigned, u64 for one",
        )
    if kind.low >= len(items):
        body.reject(
            node.slice, f"the table has {len(items)} items, 0..{len(items) - 1}", "use an index inside it"
        )
    return tree.Element(view.type.element, body.at(node), view, index)
