"""Operators: arithmetic on ranges, comparisons, conditional expressions, tuples, subscripts, `:=`.

Arithmetic on constants is done here and now. A comparison chain evaluates each operand once, from left to right, and stops
at the first link that fails, as in Python.
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
    PackedUnion,
    PackedValue,
    Reference,
    Text,
    Tuple,
    Type,
    View,
)
from .. import tree
from ..diagnostics import Rejected
from . import kinds, names, ranges
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
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
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


# Comparisons ------------------------------------------------------------------------------------------------------


def compare_chain(body: Body, node: ast.Compare) -> tree.Expression:
    """`a < b < c`: every operand evaluated at most once."""
    links: list[tree.Expression] = []
    left, left_node = body.expression(node.left), node.left
    for index, (op, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
        if isinstance(op, ast.In | ast.NotIn):
            links.append(_membership(body, left, left_node, op, right_node))
            if index < len(node.ops) - 1:
                body.reject(
                    node, "`in` does not chain with another comparison", "write `and` between the two"
                )
            break
        right = body.expression(right_node)
        first, again = (right, right) if index == len(node.ops) - 1 else body.hold_inside(right, right_node)
        links.append(compare(body, op, left, first, left_node, right_node, node))
        left, left_node = again, right_node
    return all_of(body, links, node)


def all_of(body: Body, tests: list[tree.Expression], node: ast.AST) -> tree.Expression:
    """`and` of any number of tests."""
    tests = [t for t in tests if not (isinstance(t, tree.Constant) and t.value)]
    if not tests:
        return tree.Constant(kinds.BOOLEAN, body.at(node), 1)
    return tests[0] if len(tests) == 1 else tree.Logical(kinds.BOOLEAN, body.at(node), "and", tests)


def any_of(body: Body, tests: list[tree.Expression], node: ast.AST) -> tree.Expression:
    """`or` of any number of tests."""
    tests = [t for t in tests if not (isinstance(t, tree.Constant) and not t.value)]
    if not tests:
        return tree.Constant(kinds.BOOLEAN, body.at(node), 0)
    return tests[0] if len(tests) == 1 else tree.Logical(kinds.BOOLEAN, body.at(node), "or", tests)


def compare(
    body: Body,
    op: ast.cmpop,
    left: tree.Expression,
    right: tree.Expression,
    left_node: ast.expr,
    right_node: ast.expr,
    node: ast.AST,
) -> tree.Expression:
    """One link of a comparison."""
    if isinstance(op, ast.Is | ast.IsNot):
        return identity(body, op, left, right, node)
    symbol = _COMPARISONS[type(op)]
    return compare_values(body, symbol, left, right, left_node, right_node, node)


def compare_values(
    body: Body,
    symbol: str,
    left: tree.Expression,
    right: tree.Expression,
    left_node: ast.AST,
    right_node: ast.AST,
    node: ast.AST,
) -> tree.Expression:
    """`==`, `!=` and the orders."""
    at = body.at(node)
    match left.type, right.type:
        case ((Integer() | Enumeration()), (Integer() | Enumeration())):
            a, b = as_integer(body, left, left_node), as_integer(body, right, right_node)
            if isinstance(a, tree.Constant) and isinstance(b, tree.Constant):
                return tree.Constant(kinds.BOOLEAN, at, int(_decide(symbol, a.value, b.value)))
            return tree.Compare(kinds.BOOLEAN, at, symbol, a, b)
        case Boolean(), Boolean() if symbol in ("==", "!="):
            if isinstance(left, tree.Constant) and isinstance(right, tree.Constant):
                return tree.Constant(kinds.BOOLEAN, at, int(_decide(symbol, left.value, right.value)))
            return tree.Compare(kinds.BOOLEAN, at, symbol, left, right)
        case ((PackedValue() | PackedUnion()), (PackedValue() | PackedUnion())) if symbol in ("==", "!="):
            return _compare_packed(body, symbol, left, right, node)
        case (Boolean(), Integer()) | (Integer(), Boolean()):
            flag = left_node if isinstance(left.type, Boolean) else right_node
            body.reject(
                node, "a bool and an integer are different things here", f"write int({body.text(flag)})"
            )
        case (Reference() | Nothing(), _) | (_, Reference() | Nothing()):
            word = "is" if symbol == "==" else "is not"
            body.reject(
                node,
                "references are compared by identity",
                f"write `{body.operand(left_node)} {word} {body.operand(right_node)}`",
            )
        case Text(), Text():
            body.reject(node, "text is not compared on the metal", "pass an enum member, and compare that")
    body.reject(
        node,
        f"{kinds.describe(left.type)} and {kinds.describe(right.type)} cannot be compared with `{symbol}`",
        "compare integers, enums or packed values; of a record or tuple, compare the parts",
    )


def _decide(symbol: str, a: int, b: int) -> bool:
    relations: dict[str, Callable[[int, int], bool]] = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    return relations[symbol](a, b)


def _compare_packed(
    body: Body, symbol: str, left: tree.Expression, right: tree.Expression, node: ast.AST
) -> tree.Expression:
    a, b = kinds.variants_of(left.type), kinds.variants_of(right.type)
    joined = kinds.unite(a, b)
    if joined is None or not set(a) & set(b):
        body.reject(
            node,
            f"{kinds.describe(left.type)} never equals {kinds.describe(right.type)}",
            "compare two values of one class, or their fields",
        )
    left = convert(body, left, joined, "the left side", node)
    right = convert(body, right, joined, "the right side", node)
    return tree.Compare(kinds.BOOLEAN, body.at(node), symbol, left, right)


def identity(
    body: Body, op: ast.cmpop, left: tree.Expression, right: tree.Expression, node: ast.AST
) -> tree.Expression:
    """`is` and `is not`: of references, enum members and bools."""
    negated, at = isinstance(op, ast.IsNot), body.at(node)
    match left.type, right.type:
        case Reference(cls), Reference(other) if cls is other:
            return tree.Same(kinds.BOOLEAN, at, left, right, negated)
        case (Reference(cls), Nothing()) | (Nothing(), Reference(cls)):
            nullable = Reference(cls, nullable=True)
            left = convert(body, left, nullable, "the left side", node)
            right = convert(body, right, nullable, "the right side", node)
            return tree.Same(kinds.BOOLEAN, at, left, right, negated)
        case Nothing(), Nothing():
            return tree.Constant(kinds.BOOLEAN, at, int(not negated))
        case Enumeration(cls), Enumeration(other) if cls is other:
            if isinstance(left, tree.Constant) and isinstance(right, tree.Constant):
                return tree.Constant(kinds.BOOLEAN, at, int((left.value == right.value) != negated))
            return tree.Same(kinds.BOOLEAN, at, left, right, negated)
        case Boolean(), Boolean():
            return tree.Compare(kinds.BOOLEAN, at, "!=" if negated else "==", left, right)
        case Integer(), Integer():
            body.reject(
                node,
                "integers have no identity",
                "write `!=`" if negated else "write `==`",
            )
    body.reject(
        node,
        f"{kinds.describe(left.type)} is never the same object as {kinds.describe(right.type)}",
        "compare two references to one struct, or a reference that may be None with None",
    )


def _membership(
    body: Body, left: tree.Expression, left_node: ast.expr, op: ast.cmpop, right_node: ast.expr
) -> tree.Expression:
    """`x in (A, B)` and `x in range(a, b)`, as comparisons."""
    first, again = body.hold_inside(left, left_node)
    collection = names.known(body, right_node)
    links: list[tree.Expression] = []
    if isinstance(right_node, ast.Tuple) or isinstance(collection, tuple):
        items = (
            [body.expression(item) for item in right_node.elts]
            if isinstance(right_node, ast.Tuple)
            else [names.constant(body, item, right_node) for item in collection]
        )
        for item in items:
            _demand_plain(body, item, right_node)
            links.append(compare_values(body, "==", first, item, left_node, right_node, right_node))
            first = again
        found = any_of(body, links, right_node)
    elif isinstance(right_node, ast.Call) and names.known(body, right_node.func) is range:
        found = _in_range(body, first, again, left_node, right_node)
    else:
        body.reject(
            right_node,
            "`in` needs a tuple of constants or a range",
            "write the comparisons, or a loop over the array",
        )
    if isinstance(op, ast.NotIn):
        return tree.Not(kinds.BOOLEAN, body.at(right_node), found)
    return found


def _demand_plain(body: Body, value: tree.Expression, node: ast.AST) -> None:
    """Python evaluates all that stands behind `in` before it compares; here each waits for its comparison."""
    if not _is_plain(value):
        body.reject(
            node, "what stands behind `in` is evaluated before it is compared", "store it in a local first"
        )


def _is_plain(value: tree.Expression) -> bool:
    """Whether it makes no difference when, or whether, the expression is evaluated."""
    match value:
        case tree.Constant() | tree.Local() | tree.StaticReference():
            return True
        case tree.Convert(value=inner, proven=proven):
            return proven and _is_plain(inner)
        case tree.LoadField(object=inner) | tree.AddressOf(value=inner) | tree.Length(value=inner):
            return _is_plain(inner)
        case tree.LoadBits(value=inner) | tree.RecordItem(value=inner):
            return _is_plain(inner)
        case tree.Arithmetic(operator=symbol, left=left, right=right):
            return symbol not in ("//", "%") and _is_plain(left) and _is_plain(right)
    return False


def _in_range(
    body: Body, first: tree.Expression, again: tree.Expression, left_node: ast.expr, call: ast.Call
) -> tree.Expression:
    if len(call.args) > 2 or call.keywords:
        body.reject(call, "`in range(...)` with a step is not in the language", "test the remainder as well")
    zero = tree.Constant(Integer(0, 0), body.at(call), 0)
    low = body.expression(call.args[0]) if len(call.args) == 2 else zero
    high = body.expression(call.args[-1])
    _demand_plain(body, low, call)
    _demand_plain(body, high, call)
    above = compare_values(body, ">=", first, low, left_node, call, call)
    below = compare_values(body, "<", again, high, left_node, call, call)
    return all_of(body, [above, below], call)


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
    value = body.expression(node.value)
    if isinstance(node.slice, ast.Slice):
        body.reject(
            node, "a slice copies", f"write `{body.text(node.value)}.part(start, length)`, which is a view"
        )
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
            "unpack it: `a, b = ...`; for a table, use an array",
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
