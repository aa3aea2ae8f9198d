"""Operators: arithmetic on ranges, conditional expressions, tuples, subscripts, `:=`.

Arithmetic on constants is done here and now.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import NoReturn

from ...types import (
    Boolean,
    Embedded,
    Enumeration,
    Integer,
    Nothing,
    Reference,
    Text,
    Tuple,
    Type,
    View,
)
from .. import tree
from ..diagnostics import Rejected
from . import kinds, names, ranges, tables
from .body import Body, reads
from .conversions import as_integer, convert, integer_type
from .flow import meet
from .signatures import MISSING

_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
_COMPUTE: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}


# Arithmetic ---------------------------------------------------------------------------------------------------


@reads(ast.BinOp)
def _binary(body: Body, node: ast.BinOp) -> tree.Expression:
    left = body.expression(node.left)
    right = body.expression(node.right)
    return arithmetic(body, node.op, left, right, node, node.left, node.right)


def arithmetic(
    body: Body,
    op: ast.operator,
    left: tree.Expression,
    right: tree.Expression,
    node: ast.AST,
    left_node: ast.AST,
    right_node: ast.AST,
) -> tree.Expression:
    """`left op right`, of whatever statement or expression."""
    symbol = _SYMBOLS.get(type(op))
    if symbol is None:
        _refuse_operator(body, op, node)
    if isinstance(left.type, Boolean) and isinstance(right.type, Boolean) and symbol in "&|^":
        body.reject(
            node,
            f"`{symbol}` is for integers, and both sides are bools",
            {"&": "write `and`", "|": "write `or`"}.get(symbol, "write `!=`"),
        )
    a, b = as_integer(body, left, left_node), as_integer(body, right, right_node)
    return combine(body, symbol, a, b, node)


def combine(
    body: Body, symbol: str, a: tree.Expression, b: tree.Expression, node: ast.AST
) -> tree.Expression:
    """`a symbol b` of two integers; done at once where both are constants."""
    kind = ranges.arithmetic(symbol, integer_type(a), integer_type(b))
    if isinstance(a, tree.Constant) and isinstance(b, tree.Constant):
        value = _COMPUTE[symbol](a.value, b.value)
        return tree.Constant(Integer(value, value), body.at(node), value)
    return tree.Arithmetic(kind, body.at(node), symbol, a, b)


def _refuse_operator(body: Body, op: ast.operator, node: ast.AST) -> NoReturn:
    match op:
        case ast.Div():
            body.reject(node, "`/` gives a float, and the kernel has no floating point", "write `//`")
        case ast.Pow():
            body.reject(node, "`**` is not in the language", "write `1 << n` for powers of two, or multiply")
    body.reject(node, "`@` is not in the language", "write the multiplications out")


@reads(ast.UnaryOp)
def _unary(body: Body, node: ast.UnaryOp) -> tree.Expression:
    if isinstance(node.op, ast.Not):
        return _from_condition(body, node)
    value = as_integer(body, body.expression(node.operand), node.operand)
    kind, at = integer_type(value), body.at(node)
    if isinstance(node.op, ast.UAdd):
        return value
    if isinstance(value, tree.Constant):
        number = -value.value if isinstance(node.op, ast.USub) else ~value.value
        return tree.Constant(Integer(number, number), at, number)
    if isinstance(node.op, ast.USub):
        return tree.Negate(ranges.negate(kind), at, value)
    return tree.Invert(ranges.invert(kind), at, value)


# Truth ----------------------------------------------------------------------------------------------------------


@reads(ast.BoolOp)
def _logical(body: Body, node: ast.BoolOp) -> tree.Expression:
    before = body.state
    for value in node.values:  # `a or b` of integers is one of them in Python, not a bool
        if not isinstance(value, ast.Compare | ast.BoolOp | ast.UnaryOp):
            _demand_bool(body, value, node)
    body.state = before
    return _from_condition(body, node)


def _demand_bool(body: Body, value: ast.expr, node: ast.BoolOp) -> None:
    """Look at one operand's type only: it is read again, with what the others narrow, as part of the condition."""
    saved = body.state.copy(), list(body.problems), body.temporaries
    try:
        known = names.known(body, value)
        kind = kinds.BOOLEAN if isinstance(known, bool) else _type_if_readable(body, value)
    finally:
        body.state, body.problems, body.temporaries = saved
    if isinstance(kind, Integer | Enumeration | Text):
        word = "and" if isinstance(node.op, ast.And) else "or"
        body.reject(
            value,
            f"`{word}` gives one of its operands, and this one is {kinds.describe(kind)}",
            f"write `{body.operand(value)} != 0`",
        )


def _type_if_readable(body: Body, value: ast.expr) -> Type | None:
    try:
        return body.expression(value).type
    except Rejected:
        return None


def _from_condition(body: Body, node: ast.expr) -> tree.Expression:
    """A truth value in the middle of an expression: both outcomes go on together."""
    condition = body.condition(node)
    body.state = meet(condition.true, condition.false)
    return condition.test


@reads(ast.Compare)
def _compare(body: Body, node: ast.Compare) -> tree.Expression:
    return _from_condition(body, node)


@reads(ast.IfExp)
def _conditional(body: Body, node: ast.IfExp) -> tree.Expression:
    condition = body.condition(node.test)
    body.state = condition.true
    if not condition.false.reachable:
        return body.expression(node.body)
    if not condition.true.reachable:
        body.state = condition.false
        return body.expression(node.orelse)
    then = body.expression(node.body)
    after = body.state
    body.state = condition.false
    otherwise = body.expression(node.orelse)
    body.state = meet(after, body.state)
    kind = kinds.join(then.type, otherwise.type)
    if kind is None:
        body.reject(
            node,
            f"this is {kinds.describe(then.type)} or {kinds.describe(otherwise.type)}",
            "give both sides one type, or use `if` with two names",
        )
    then = convert(body, then, kind, "the value", node.body)
    otherwise = convert(body, otherwise, kind, "the value", node.orelse)
    return tree.Conditional(kind, body.at(node), condition.test, then, otherwise)


# Tuples and subscripts ----------------------------------------------------------------------------------------------


@reads(ast.Tuple)
def _tuple(body: Body, node: ast.Tuple) -> tree.Expression:
    if any(isinstance(item, ast.Starred) for item in node.elts):
        body.reject(node, "`*` has no fixed number of items", "write the items out")
    items = [body.expression(item) for item in node.elts]
    kind = Tuple(tuple(item.type for item in items))
    return tree.MakeRecord(kind, body.at(node), items, list(range(len(items))))


@reads(ast.Subscript)
def _subscript(body: Body, node: ast.Subscript) -> tree.Expression:
    found = names.known(body, node)
    if found is not MISSING:
        return names.constant(body, found, node)
    if isinstance(node.slice, ast.Slice):
        body.reject(
            node, "a slice copies", f"write `{body.text(node.value)}.part(start, length)`, which is a view"
        )
    constants = names.known(body, node.value)
    if isinstance(constants, tuple):
        return tables.item(body, node, constants)
    value = body.expression(node.value)
    if isinstance(value.type, Tuple):
        return _tuple_item(body, node, value, value.type)
    if isinstance(value.type, Text):
        body.reject(
            node,
            "a character of a text is not a value by itself",
            f"write `ord({body.text(node)})` for its number",
        )
    view, index = view_and_index(body, node, value)
    return tree.Element(element_type(view), body.at(node), view, index)


def _tuple_item(body: Body, node: ast.Subscript, value: tree.Expression, kind: Tuple) -> tree.Expression:
    index = names.known(body, node.slice)
    if not isinstance(index, int) or not 0 <= index < len(kind.items):
        body.reject(
            node.slice,
            f"a tuple of {len(kind.items)} is taken apart by constant positions 0..{len(kind.items) - 1}",
            "unpack it: `a, b = ...`; a table is a tuple of constants at module level",
        )
    return tree.RecordItem(kind.items[index], body.at(node), value, index)


def view_and_index(
    body: Body, node: ast.Subscript, value: tree.Expression
) -> tuple[tree.Expression, tree.Expression]:
    """The array and the index of a subscript."""
    if not isinstance(value.type, View):
        body.reject(
            node,
            f"`{body.text(node.value)}` is {kinds.describe(value.type)}, which has no elements",
            "index an Array",
        )
    index = as_integer(body, body.expression(node.slice), node.slice)
    kind, length = integer_type(index), value.type.length
    if kind.high < 0:
        body.reject(
            node.slice,
            "an array has no elements before 0",
            f"write `len({body.text(node.value)}) - {-kind.high}`",
        )
    if length is not None and kind.low >= length:
        body.reject(node.slice, f"the array has {length} elements, 0..{length - 1}", "use an index inside it")
    return value, index


def element_type(view: tree.Expression) -> Type:
    """What reading an element gives."""
    assert isinstance(view.type, View)
    element = view.type.element
    return Reference(element.cls) if isinstance(element, Embedded) else element


@reads(ast.NamedExpr)
def _walrus(body: Body, node: ast.NamedExpr) -> tree.Expression:
    value = body.expression(node.value)
    name = node.target.id
    if isinstance(value.type, Nothing) and not isinstance(node.value, ast.Constant):
        body.reject(node, "this call gives no value", "call it in a statement of its own")
    kind = body.admit(name, value.type, node)
    given = value.type
    stored = convert(body, value, kind, f"local `{name}`", node)
    body.bind(name, given)
    assigned = tree.AssignedLocal(kind, body.at(node), name, stored)
    narrowed = body.state.narrowed.get(name)
    return tree.Convert(narrowed, assigned.location, assigned, proven=True) if narrowed else assigned
