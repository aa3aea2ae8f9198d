"""Stores into fields and elements: what an assignment's target may be, and in which order its parts are evaluated.

Python evaluates the value first, then the target's object, then its index, and checks what is stored last. Where the tree's own
order could be told apart from that, the value goes through a temporary.
"""

from __future__ import annotations

import ast
from types import FunctionType

from ...structs import Field
from ...types import Embedded, PackedUnion, PackedValue, Record, Reference, Tuple, View
from .. import tree
from . import attributes, kinds, names, operators
from .body import Body
from .classes import admit_class
from .conversions import convert
from .signatures import MISSING


def is_plain(value: tree.Expression) -> bool:
    """Whether evaluating the expression sooner or later makes no difference: it neither fails nor changes."""
    match value:
        case tree.Local() | tree.StaticReference():
            return True
        case tree.Convert(value=inner, proven=True):
            return is_plain(inner)
        case tree.LoadField(object=inner, field=item):
            return isinstance(item.type, Embedded | View) and is_plain(inner)
    return False


def store_attribute(
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
    setter = setter_of(body, receiver, target)
    if setter is not None:
        return call_setter(body, receiver, setter, value, target, node)
    item = assignable(body, receiver, target)
    held: list[tree.Statement] = []
    if not is_plain(receiver) or body.by_walrus:
        held, value = body.hold(value, node)
    receiver = attributes.not_none(body, receiver, target.value)
    stored = convert(body, value, item.type, field_name(receiver, item.name), blamed)
    return [*held, tree.StoreField(body.at(node), receiver, item, stored)]


def field_name(receiver: tree.Expression, name: str) -> str:
    return f"field `{receiver.type.cls.__name__}.{name}`"  # type: ignore[attr-defined]


def assignable(body: Body, receiver: tree.Expression, target: ast.Attribute) -> Field:
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


def setter_of(body: Body, receiver: tree.Expression, target: ast.Attribute) -> FunctionType | None:
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


def call_setter(
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


def store_element(
    body: Body, target: ast.Subscript, value: tree.Expression, node: ast.stmt, blamed: ast.AST
) -> list[tree.Statement]:
    view, index = element_place(body, target)
    assert isinstance(view.type, View)
    element = view.type.element
    stored = convert(body, value, element, f"an element of `{body.text(target.value)}`", blamed)
    held: list[tree.Statement] = []
    if isinstance(stored, tree.Convert) and not stored.proven:  # Python checks the value last of all
        held, value = body.hold(value, node)
        if not is_plain(view):
            more, view = body.hold(view, target.value)
            held += more
        more, index = body.hold(index, target.slice)
        held += more
        stored = convert(body, value, element, f"an element of `{body.text(target.value)}`", blamed)
    return [*held, tree.StoreElement(body.at(node), view, index, stored)]


def element_place(body: Body, target: ast.Subscript) -> tuple[tree.Expression, tree.Expression]:
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


def receiver_of(body: Body, target: ast.Attribute) -> tree.Expression:
    """The object of an attribute that is assigned to."""
    owner = names.known(body, target.value)
    if owner is not MISSING and not names.is_run_time(owner):
        body.reject(
            target,
            f"`{body.text(target)}` is a constant of the program",
            "keep what changes in a static struct",
        )
    return body.expression(target.value)
