"""Statements that store: assignment in all its forms, expressions as statements, assertions, returns.

Python evaluates the value first, then the target's object, then its index; an augmented assignment evaluates object and index
once. Where the tree's own order could be told apart from that, the value or object goes through a temporary.
"""

from __future__ import annotations

import ast
from types import FunctionType
from typing import NoReturn

from ...structs import Field
from ...types import (
    Embedded,
    Never,
    Nothing,
    PackedUnion,
    PackedValue,
    Record,
    Reference,
    Tuple,
    View,
)
from .. import tree
from . import attributes, kinds, names, operators
from .body import Body, reads
from .classes import admit_class
from .conversions import convert
from .signatures import MISSING
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
            return _store_attribute(body, target, value, node, blamed)
        case ast.Subscript():
            return _store_element(body, target, value, node, blamed)
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


# Fields and elements ------------------------------------------------------------------------------------------------


def _is_plain(value: tree.Expression) -> bool:
    """Whether evaluating the expression sooner or later makes no difference: it neither fails nor changes."""
    match value:
        case tree.Local() | tree.StaticReference():
            return True
        case tree.Convert(value=inner, proven=True):
            return _is_plain(inner)
        case tree.LoadField(object=inner, field=item):
            return isinstance(item.type, Embedded | View) and _is_plain(inner)
    return False


def _store_attribute(
    body: Body, target: ast.Attribute, value: tree.Expression, node: ast.stmt, blamed: ast.AST
) -> list[tree.Statement]:
    owner = names.known(body, target.value)
    if owner is not MISSING and not names.is_run_time(owner):
        body.reject(
            target,
            f"`{body.text(target)}` is a constant of the program",
            "keep what changes in a static struct",
        )
    receiver = body.expression(target.value)
    setter = _setter(body, receiver, target)
    if setter is not None:
        return _call_setter(body, receiver, setter, value, target, node)
    item = _assignable(body, receiver, target)
    held: list[tree.Statement] = []
    if not _is_plain(receiver) or body.by_walrus:
        held, value = body.hold(value, node)
    receiver = attributes.not_none(body, receiver, target.value)
    stored = convert(body, value, item.type, _field_name(receiver, item.name), blamed)
    return [*held, tree.StoreField(body.at(node), receiver, item, stored)]


def _field_name(receiver: tree.Expression, name: str) -> str:
    return f"field `{receiver.type.cls.__name__}.{name}`"  # type: ignore[attr-defined]


def _assignable(body: Body, receiver: tree.Expression, target: ast.Attribute) -> Field:
    """The struct field that is assigned to."""
    name = target.attr
    match receiver.type:
        case Reference(cls):
            admit_class(body, cls, target)
            item: Field | None = cls.layout().fields.get(name)  # type: ignore[attr-defined]
            if item is None:
                attributes.attribute(body, receiver, name, target)  # says what is there instead
                body.reject(target, f"`{name}` of {cls.__name__} cannot be assigned", "assign to a field")
            if isinstance(item.type, Embedded):
                body.reject(
                    target,
                    f"`{name}` is embedded in {cls.__name__}: there is nothing to replace",
                    "assign its fields",
                )
            if isinstance(item.type, View):
                body.reject(
                    target,
                    f"`{name}` is an array in {cls.__name__}: there is nothing to replace",
                    "assign its elements",
                )
            return item
        case PackedValue() | PackedUnion() | Record():
            body.reject(
                target,
                f"{kinds.describe(receiver.type)} is immutable",
                f"make a changed copy: `replace({body.text(target.value)}, {name}=...)`",
            )
    body.reject(
        target, f"{kinds.describe(receiver.type)} has no fields to assign", "assign to a field of a struct"
    )


def _setter(body: Body, receiver: tree.Expression, target: ast.Attribute) -> FunctionType | None:
    """The setter of a property of the program's own."""
    if not isinstance(receiver.type, Reference):
        return None
    cls = receiver.type.cls
    admit_class(body, cls, target)
    found = attributes.class_attribute(cls, target.attr)
    if target.attr in cls.layout().fields or not isinstance(found, property):  # type: ignore[attr-defined]
        return None
    if not isinstance(found.fset, FunctionType):
        body.reject(target, f"the property `{target.attr}` cannot be assigned", "give it a setter")
    return found.fset


def _call_setter(
    body: Body,
    receiver: tree.Expression,
    setter: FunctionType,
    value: tree.Expression,
    target: ast.Attribute,
    node: ast.stmt,
) -> list[tree.Statement]:
    owner = attributes.method_owner(receiver.type)
    function = body.program.require(setter, owner, dict(getattr(owner.cls, "_bindings", {})))  # type: ignore[attr-defined]
    held, value = body.hold(value, node)
    receiver = attributes.not_none(body, receiver, target.value)
    name, kind = function.parameters[1]
    stored = convert(body, value, kind, f"parameter `{name}` of `{function.name}`", node)
    call = tree.Call(function.result, body.at(node), function, [receiver, stored], [0, 1])
    return [*held, tree.Evaluate(body.at(node), call)]


def _store_element(
    body: Body, target: ast.Subscript, value: tree.Expression, node: ast.stmt, blamed: ast.AST
) -> list[tree.Statement]:
    view, index = _element_place(body, target)
    assert isinstance(view.type, View)
    element = view.type.element
    stored = convert(body, value, element, f"an element of `{body.text(target.value)}`", blamed)
    held: list[tree.Statement] = []
    if isinstance(stored, tree.Convert) and not stored.proven:  # Python checks the value last of all
        held, value = body.hold(value, node)
        if not _is_plain(view):
            more, view = body.hold(view, target.value)
            held += more
        more, index = body.hold(index, target.slice)
        held += more
        stored = convert(body, value, element, f"an element of `{body.text(target.value)}`", blamed)
    return [*held, tree.StoreElement(body.at(node), view, index, stored)]


def _element_place(body: Body, target: ast.Subscript) -> tuple[tree.Expression, tree.Expression]:
    if isinstance(target.slice, ast.Slice):
        body.reject(target, "a slice cannot be assigned", "assign the elements in a loop, or use copy_memory")
    value = body.expression(target.value)
    if isinstance(value.type, Tuple):
        body.reject(target, "a tuple is immutable", "make a new one")
    view, index = operators.view_and_index(body, target, value)
    assert isinstance(view.type, View)
    if isinstance(view.type.element, Embedded):
        body.reject(
            target,
            f"the elements are embedded {kinds.describe(view.type.element)} structs: there is nothing to replace",
            "assign the fields of the element",
        )
    return view, index


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
    receiver = attributes_receiver(body, target)
    held, again = body.hold(receiver, target.value)
    if _setter(body, again, target) is not None:
        value = _combined(body, node, attributes.attribute(body, again, target.attr, target))
        setter = _setter(body, again, target)
        assert setter is not None
        return [*held, *_call_setter(body, again, setter, value, target, node)]
    item = _assignable(body, again, target)
    again = attributes.not_none(body, again, target.value)
    value = _combined(body, node, attributes.load_field(again, item, body.at(target)))
    stored = convert(body, value, item.type, _field_name(again, item.name), node)
    return [*held, tree.StoreField(body.at(node), again, item, stored)]


def attributes_receiver(body: Body, target: ast.Attribute) -> tree.Expression:
    """The object of an attribute that is assigned to."""
    owner = names.known(body, target.value)
    if owner is not MISSING and not names.is_run_time(owner):
        body.reject(
            target,
            f"`{body.text(target)}` is a constant of the program",
            "keep what changes in a static struct",
        )
    return body.expression(target.value)


def _augmented_element(body: Body, node: ast.AugAssign, target: ast.Subscript) -> list[tree.Statement]:
    view, index = _element_place(body, target)
    held: list[tree.Statement] = []
    if not _is_plain(view):
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
