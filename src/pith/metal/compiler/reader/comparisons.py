"""Comparisons: chains, identity, membership.

A chain evaluates each operand once, from left to right, and stops at the first link that fails, as in Python. What may be compared
with what is stricter than Python: a bool is no number, and references are told apart by `is`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

from ...types import Boolean, Enumeration, Integer, Nothing, PackedUnion, PackedValue, Reference, Text
from .. import tree
from . import kinds, names
from .body import Body
from .conversions import as_integer, convert

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


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
