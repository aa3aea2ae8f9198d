"""Simple statements: assignment in all its forms, expressions as statements, assertions, returns.

An augmented assignment evaluates its target's object and index once: they go through temporaries.
"""

from __future__ import annotations

import ast
from typing import NoReturn

from ...types import (
    Embedded,
    Never,
    Nothing,
    Tuple,
    View,
)
from .. import tree
from . import attributes, kinds, names, operators
from .body import Body, reads
from .conversions import convert
from .stores import (
    assignable,
    call_setter,
    element_place,
    field_name,
    is_plain,
    receiver_of,
    setter_of,
    store_attribute,
    store_element,
)
from .text import expand_text


def declare_locals(body: Body) -> None:
    """Note every annotated local's type: it holds in the whole function, wherever the annotation stands."""
    for node in ast.walk(body.node):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            if name in body.declared or _is_final(body, node.annotation):
                continue
            try:
                body.declared[name] = names.metal_type(body, node.annotation)
            except Exception:
                continue  # told when the statement is read
            body.types[name] = body.declared[name]


def _is_final(body: Body, annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Final"


# Assignment -------------------------------------------------------------------------------------------------------


@reads(ast.Assign)
def _assign(body: Body, node: ast.Assign) -> list[tree.Statement]:
    value = body.expression(node.value)
    _demand_value(body, value, node.value)
    if len(node.targets) == 1:
        return assign_to(body, node.targets[0], value, node, node.value)
    held, again = body.hold(value, node.value)
    for target in node.targets:
        held += assign_to(body, target, again, node, node.value)
    return held


def _demand_value(body: Body, value: tree.Expression, node: ast.expr) -> None:
    if isinstance(value.type, Nothing) and not isinstance(value, tree.Constant):
        body.reject(node, f"`{body.text(node)}` gives no value", "call it in a statement of its own")


def assign_to(
    body: Body, target: ast.expr, value: tree.Expression, node: ast.stmt, blamed: ast.AST
) -> list[tree.Statement]:
    """Store `value`, read before from `blamed`, into a target."""
    match target:
        case ast.Name(id=name):
            return [assign_local(body, name, value, node, blamed)]
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            return _unpack(body, target, targets, value, node)
        case ast.Attribute():
            return store_attribute(body, target, value, node, blamed)
        case ast.Subscript():
            return store_element(body, target, value, node, blamed)
    body.reject(target, "this cannot be assigned to here", "name every target")


def assign_local(
    body: Body, name: str, value: tree.Expression, node: ast.AST, blamed: ast.AST | None = None
) -> tree.Statement:
    """`name = value`; a value that does not fit is told where `blamed` stands."""
    at = body.at(node)
    if isinstance(value.type, Never):
        return tree.Evaluate(at, value)
    body.poisoned.discard(name)
    kind = body.admit(name, value.type, node)
    stored = convert(body, value, kind, f"local `{name}`", blamed or node)
    body.bind(name, value.type)
    return tree.Assign(at, name, stored)


def _unpack(
    body: Body, target: ast.expr, targets: list[ast.expr], value: tree.Expression, node: ast.stmt
) -> list[tree.Statement]:
    if not isinstance(value.type, Tuple):
        body.reject(
            target,
            f"this is {kinds.describe(value.type)}, which has no items to unpack",
            "unpack tuples; read the fields of other values by name",
        )
    if len(targets) != len(value.type.items) or any(isinstance(t, ast.Starred) for t in targets):
        body.reject(
            target, f"the tuple has {len(value.type.items)} items", "give one name to each; `_` skips an item"
        )
    places: list[str | None] = []
    wanted = []
    after: list[tree.Statement] = []
    for place, kind in zip(targets, value.type.items, strict=True):
        match place:
            case ast.Name(id="_"):
                places.append(None)
                wanted.append(kind)
            case ast.Name(id=name):
                body.poisoned.discard(name)
                wanted.append(body.admit(name, kind, place))
                body.bind(name, kind)
                places.append(name)
            case _:
                temporary = body.temporary(kind, place)
                places.append(temporary.name)
                wanted.append(kind)
                after += assign_to(body, place, temporary, node, place)
    stored = convert(body, value, Tuple(tuple(wanted)), "an item", node)
    return [tree.Unpack(body.at(node), places, stored), *after]


@reads(ast.AnnAssign)
def _annotated(body: Body, node: ast.AnnAssign) -> list[tree.Statement]:
    if not isinstance(node.target, ast.Name):
        body.reject(node, "only locals are annotated in a function", "annotate the field in its class")
    name = node.target.id
    if not _is_final(body, node.annotation):
        kind = names.metal_type(body, node.annotation)
        if isinstance(kind, Nothing | Never | Embedded):
            body.reject(
                node.annotation, f"a local cannot be {kinds.describe(kind)}", "name a type with values"
            )
        if body.declared.get(name) != kind:
            known = body.declared.get(name)
            body.reject(
                node,
                f"`{name}` is declared {kinds.describe(known) if known else 'otherwise'} before",
                "declare a local once, or use two names",
            )
    if node.value is None:
        return []
    value = body.expression(node.value)
    _demand_value(body, value, node.value)
    return [assign_local(body, name, value, node, node.value)]


# Augmented ------------------------------------------------------------------------------------------------------------


@reads(ast.AugAssign)
def _augmented(body: Body, node: ast.AugAssign) -> list[tree.Statement]:
    match node.target:
        case ast.Name(id=name):
            old = body.expression(ast.copy_location(ast.Name(name, ast.Load()), node.target))
            return [assign_local(body, name, _combined(body, node, old), node)]
        case ast.Attribute():
            return _augmented_attribute(body, node, node.target)
        case ast.Subscript():
            return _augmented_element(body, node, node.target)
    _refuse_target(body, node)


def _refuse_target(body: Body, node: ast.AugAssign) -> NoReturn:
    body.reject(node, "this cannot be assigned to", "name a local, a field or an element")


def _combined(body: Body, node: ast.AugAssign, old: tree.Expression) -> tree.Expression:
    change = body.expression(node.value)
    return operators.arithmetic(body, node.op, old, change, node, node.target, node.value)


def _augmented_attribute(body: Body, node: ast.AugAssign, target: ast.Attribute) -> list[tree.Statement]:
    receiver = receiver_of(body, target)
    held, again = body.hold(receiver, target.value)
    if setter_of(body, again, target) is not None:
        value = _combined(body, node, attributes.attribute(body, again, target.attr, target))
        setter = setter_of(body, again, target)
        assert setter is not None
        return [*held, *call_setter(body, again, setter, value, target, node)]
    item = assignable(body, again, target)
    again = attributes.not_none(body, again, target.value)
    value = _combined(body, node, attributes.load_field(again, item, body.at(target)))
    stored = convert(body, value, item.type, field_name(again, item.name), node)
    return [*held, tree.StoreField(body.at(node), again, item, stored)]


def _augmented_element(body: Body, node: ast.AugAssign, target: ast.Subscript) -> list[tree.Statement]:
    view, index = element_place(body, target)
    held: list[tree.Statement] = []
    if not is_plain(view):
        held, view = body.hold(view, target.value)
    more, index = body.hold(index, target.slice)
    assert isinstance(view.type, View)
    old = tree.Element(operators.element_type(view), body.at(target), view, index)
    value = _combined(body, node, old)
    stored = convert(body, value, view.type.element, f"an element of `{body.text(target.value)}`", node)
    return [*held, *more, tree.StoreElement(body.at(node), view, index, stored)]


# The rest -------------------------------------------------------------------------------------------------------------


@reads(ast.Expr)
def _expression(body: Body, node: ast.Expr) -> list[tree.Statement]:
    if isinstance(node.value, ast.Constant):
        return []  # a docstring, or `...`
    expanded = expand_text(body, node.value)
    if expanded is not None:
        return expanded
    value = body.expression(node.value)
    if isinstance(value, tree.Local | tree.Constant | tree.TextConstant):
        return []
    return [tree.Evaluate(body.at(node), value)]


@reads(ast.Pass)
def _pass(body: Body, node: ast.Pass) -> list[tree.Statement]:
    return []


@reads(ast.Assert)
def _assert(body: Body, node: ast.Assert) -> list[tree.Statement]:
    condition = body.condition(node.test)
    body.state = condition.true
    if not condition.false.reachable:
        return []
    reason = f"assertion failed: {body.text(node.test)}"
    if isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, str):
        reason = node.msg.value
    at = body.at(node)
    panic = tree.Panic(at, reason)
    if isinstance(condition.test, tree.Constant):
        return [panic]
    return [tree.If(at, condition.test, [], [panic])]


@reads(ast.Return)
def _return(body: Body, node: ast.Return) -> list[tree.Statement]:
    result, at = body.function.result, body.at(node)
    if isinstance(result, Never):
        body.reject(
            node, f"`{body.function.name}` is declared never to return", "stop with panic(...), or loop"
        )
    value = body.expression(node.value) if node.value else None
    if value is None or isinstance(value.type, Nothing):
        body.state, before = body.state.dead(), body.state
        if isinstance(result, Nothing):
            ahead = [] if value is None or isinstance(value, tree.Constant) else [tree.Evaluate(at, value)]
            return [*ahead, tree.Return(at, None)]
        if value is None:
            body.state = before
            body.reject(
                node,
                f"`{body.function.name}` returns {kinds.describe(result)}, and this returns nothing",
                "write the value to return",
            )
    assert value is not None and node.value is not None
    body.state = body.state.dead()
    if isinstance(value.type, Never):
        return [tree.Evaluate(at, value)]
    stored = convert(body, value, result, f"the result of `{body.function.name}`", node.value)
    return [tree.Return(at, stored)]
