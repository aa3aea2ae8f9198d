"""Conditions: what a test says about the locals and fields in it, on either outcome.

`x is None`, `isinstance(x, C)`, truth of constants, and `and`, `or`, `not` of those. A branch that types rule out is
unreachable, and not read: so `if on_metal():` and `if TYPE_CHECKING:` choose at compile time.
"""

from __future__ import annotations

import ast
import typing

from ...types import Nothing, PackedUnion, PackedValue, Record, Reference, Type
from .. import tree
from . import attributes, comparisons, fields, kinds, names
from .body import Body, Condition, tests
from .conversions import truth
from .flow import State, meet
from .signatures import MISSING


@tests(ast.expr)
def _plain(body: Body, node: ast.expr) -> Condition:
    """Any other expression: its truth."""
    test = truth(body, body.expression(node), node)
    return outcome(body, test)


def outcome(body: Body, test: tree.Expression) -> Condition:
    """The condition that a test is, as far as its value tells."""
    state = body.state
    if isinstance(test, tree.Constant):
        if test.value:
            return Condition(test, state, state.dead())
        return Condition(test, state.dead(), state)
    return Condition(test, state, state.copy())


def decided(body: Body, node: ast.AST, value: bool) -> Condition:
    """A test whose outcome is known when the program is compiled."""
    return outcome(body, tree.Constant(kinds.BOOLEAN, body.at(node), int(value)))


@tests(ast.UnaryOp)
def _not(body: Body, node: ast.UnaryOp) -> Condition:
    if not isinstance(node.op, ast.Not):
        return _plain(body, node)
    inner = body.condition(node.operand)
    at = body.at(node)
    if isinstance(inner.test, tree.Constant):
        return Condition(tree.Constant(kinds.BOOLEAN, at, 1 - inner.test.value), inner.false, inner.true)
    return Condition(tree.Not(kinds.BOOLEAN, at, inner.test), inner.false, inner.true)


@tests(ast.BoolOp)
def _logical(body: Body, node: ast.BoolOp) -> Condition:
    """Each operand is read in the state in which it is reached; what is never reached is not read."""
    conjunction = isinstance(node.op, ast.And)
    links: list[tree.Expression] = []
    ended: State = body.state.dead()
    for value in node.values:
        condition = body.condition(value)
        links.append(condition.test)
        goes_on, ends = (
            (condition.true, condition.false) if conjunction else (condition.false, condition.true)
        )
        ended = meet(ended, ends)
        body.state = goes_on
        if not goes_on.reachable:
            break
    test = _joined(body, links, node, conjunction)
    if conjunction:
        return Condition(test, body.state, ended)
    return Condition(test, ended, body.state)


def _joined(body: Body, links: list[tree.Expression], node: ast.AST, conjunction: bool) -> tree.Expression:
    if conjunction:
        return comparisons.all_of(body, links, node)
    return comparisons.any_of(body, links, node)


@tests(ast.Compare)
def _compare(body: Body, node: ast.Compare) -> Condition:
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.Is | ast.IsNot):
        left, right = node.left, node.comparators[0]
        if isinstance(right, ast.Constant) and right.value is None:
            return _none_test(body, left, node)
        if isinstance(left, ast.Constant) and left.value is None:
            return _none_test(body, right, node)
    return outcome(body, comparisons.compare_chain(body, node))


def subject_name(node: ast.expr) -> str | None:
    """The local that a test of this expression narrows."""
    match node:
        case ast.Name(id=name) | ast.NamedExpr(target=ast.Name(id=name)):
            return name
    return None


def _none_test(body: Body, subject: ast.expr, node: ast.Compare) -> Condition:
    value = body.expression(subject)
    negated = isinstance(node.ops[0], ast.IsNot)
    name = subject_name(subject)
    none = tree.Constant(kinds.NOTHING, body.at(node), 0)
    match value.type:
        case Nothing():
            return decided(body, node, not negated)
        case Reference(_, False) if isinstance(subject, ast.Name) or fields.is_narrowed(body, subject):
            return decided(body, node, negated)
        case Reference(cls):
            path, value, local = fields.keep(body, subject, value)
            test = comparisons.identity(body, node.ops[0], value, none, node)
            holds = body.state.copy()
            if name is not None and name in body.names:
                holds = holds.narrow(name, Reference(cls))
            elif path is not None:
                holds = holds.narrow_field(path, Reference(cls), local)
            empty = body.state.copy()
            return Condition(test, holds, empty) if negated else Condition(test, empty, holds)
    body.reject(
        node,
        f"`{body.text(subject)}` is {kinds.describe(value.type)}, which is never None",
        "leave the test out, or test what can be absent",
    )


@tests(ast.Call)
def _call(body: Body, node: ast.Call) -> Condition:
    if names.known(body, node.func) is isinstance and len(node.args) == 2 and not node.keywords:
        return is_instance(body, node.args[0], node.args[1], node)
    return _plain(body, node)


def is_instance(body: Body, subject: ast.expr, classes: ast.expr, node: ast.AST) -> Condition:
    """`isinstance(subject, classes)`, narrowing the subject if it is a local or a field."""
    value = body.expression(subject)
    wanted = class_list(body, classes)
    name = subject_name(subject)
    if isinstance(value.type, Reference):
        return _reference_instance(body, value, wanted, name, node)
    mine = kinds.variants_of(value.type) or ((value.type.cls,) if isinstance(value.type, Record) else ())
    if not mine:
        body.reject(
            node,
            f"`{body.text(subject)}` is {kinds.describe(value.type)}, not one of several classes",
            "isinstance tells the members of a packed union apart",
        )
    inside = [v for v in mine if v in wanted]
    outside = [v for v in mine if v not in wanted]
    if not inside or not outside:
        if isinstance(subject, ast.Name) or fields.is_narrowed(body, subject):
            return decided(body, node, bool(inside))
        body.reject(node, "the outcome of this test is always the same", "leave the test out")
    path, value, local = fields.keep(body, subject, value)
    test = tree.IsVariant(kinds.BOOLEAN, body.at(node), value, tuple(inside))
    true, false = body.state.copy(), body.state.copy()
    if name is not None:
        true, false = true.narrow(name, kinds.union_of(inside)), false.narrow(name, kinds.union_of(outside))
    elif path is not None:
        true = true.narrow_field(path, kinds.union_of(inside), local)
        false = false.narrow_field(path, kinds.union_of(outside), local)
    return Condition(test, true, false)


def _reference_instance(
    body: Body, value: tree.Expression, wanted: list[type], name: str | None, node: ast.AST
) -> Condition:
    """A reference is an instance of its class unless it is None."""
    kind = value.type
    assert isinstance(kind, Reference)
    if kind.cls not in wanted or not kind.nullable:
        return decided(body, node, kind.cls in wanted)
    none = tree.Constant(Reference(kind.cls, nullable=True), body.at(node), 0)
    test = tree.Same(kinds.BOOLEAN, body.at(node), value, none, negated=True)
    true = body.state.narrow(name, Reference(kind.cls)) if name else body.state.copy()
    return Condition(test, true, body.state.copy())


def class_list(body: Body, node: ast.expr) -> list[type]:
    """The classes that the second argument of isinstance, or a class pattern, names."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    result: list[type] = []
    for part in parts:
        found = names.known(body, part)
        members = typing.get_args(found) if found is not MISSING and not isinstance(found, type) else ()
        group = list(found) if isinstance(found, tuple) else list(members) or [found]
        for cls in group:
            if not isinstance(cls, type):
                attributes.refuse_missing(body, part)
                body.reject(
                    part, f"`{body.text(part)}` is not a class", "name a class, or a tuple of classes"
                )
            result.append(cls)
    return result


def narrowed_to(kind: Type, variants: list[type]) -> Type:
    """The part of a packed type that lies in `variants`."""
    if isinstance(kind, PackedUnion | PackedValue):
        return kinds.union_of([v for v in kinds.variants_of(kind) if v in variants])
    return kind
