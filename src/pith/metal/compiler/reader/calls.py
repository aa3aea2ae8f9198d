"""Calls: of functions and methods, of what `pith.metal` offers; the other rooms make values and know the builtins.

What is called is known when the program is compiled. Arguments are given to parameters by position, by keyword or by default; a
call records in which order the source evaluates them. A generic function is specialised by its arguments' types.
"""

from __future__ import annotations

import ast
import builtins
import sys
import typing
from types import FunctionType, MethodType, ModuleType
from typing import Any, NoReturn

from ...types import Integer, Never, PackedUnion, PackedValue, Reference, Type, TypeProblem, View
from .. import tree
from ..diagnostics import Rejected
from . import attributes, kinds, names, signatures, spelling
from .arguments import Given, Slot, match_arguments, refuse_stars
from .body import Body, reads
from .builtin_calls import BUILTINS, number_method, refuse_builtin
from .classes import admit_class
from .construction import construct
from .conversions import as_integer, convert
from .signatures import MISSING, Bindings, Parameter, Signature

_CONSTANT_TEXT = {"csr_read", "csr_write", "csr_set", "csr_clear", "csr_read_and_clear", "static_address"}


@reads(ast.Call)
def _call(body: Body, node: ast.Call) -> tree.Expression:
    refuse_stars(body, node)
    target = names.known(body, node.func)
    if target is MISSING:
        return _method_call(body, node)
    if isinstance(target, FunctionType) and "__metal_intrinsic__" in target.__dict__:
        return _intrinsic(body, node, target)
    reader = BUILTINS.get(target) if getattr(target, "__hash__", None) else None
    if reader is not None:
        return reader(body, node)
    if isinstance(target, FunctionType):
        return call_function(body, node, target, _owner_of_known(body, node.func, target), None)
    if isinstance(target, MethodType) and isinstance(target.__self__, type):
        return _class_method(body, node, target.__self__, target.__func__)
    name: str = getattr(target, "__name__", "")
    if getattr(builtins, name, None) is target:
        refuse_builtin(body, node, name)
    if isinstance(target, type):
        return construct(body, node, target)
    if isinstance(getattr(target, "__self__", None), int):
        return _number_method(body, node, names.constant(body, target.__self__, node.func), name)
    body.reject(
        node, f"`{body.text(node.func)}` cannot be called", "call a function, a method or a class by its name"
    )


def _owner_of_known(body: Body, func: ast.expr, target: FunctionType) -> Type | None:
    """The type of `self` for a method that is called through its class."""
    if not isinstance(func, ast.Attribute):
        return None
    cls = names.known(body, func.value)
    if not isinstance(cls, type) or isinstance(attributes.class_attribute(cls, func.attr), staticmethod):
        return None
    return signatures.resolve_in(cls, {}, None)


# Functions and methods ----------------------------------------------------------------------------------------------


def call_function(
    body: Body, node: ast.Call, python: FunctionType, owner: Type | None, receiver: tree.Expression | None
) -> tree.Expression:
    """A call of a function of the program; `receiver` is what a method is called on."""
    if python.__module__.partition(".")[0] in sys.stdlib_module_names:
        _refuse_library(body, node, python)
    head = _head(body, python, owner)
    slots = [Slot(p.name, p.default is MISSING, p.positional, p.keyword) for p in head.parameters]
    skipped = 1 if receiver is not None else 0
    given = match_arguments(body, node, slots[skipped:], python.__name__)
    values: list[tree.Expression | None] = [None] * len(slots)
    if receiver is not None:
        values[0] = receiver
    for position in given.order:
        argument = given.nodes[position]
        assert argument is not None
        values[position + skipped] = body.expression(argument)
    bindings = _choose(body, head, owner, values)
    function = body.program.require(python, owner, bindings)
    order = [*range(skipped), *(i + skipped for i in given.order)]
    arguments = _store(body, node, head, function, values, given, skipped)
    order += [i for i in range(len(slots)) if i not in order]
    if isinstance(function.result, Never):
        body.state = body.state.dead()
    return tree.Call(function.result, body.at(node), function, arguments, order)


def _refuse_library(body: Body, node: ast.Call, python: FunctionType) -> NoReturn:
    if python is typing.assert_never:
        body.reject(node, "this line can be reached", "handle the cases that are left above it")
    if python is typing.cast:
        body.reject(node, "`cast` proves nothing", "narrow with `is not None`, `isinstance` or `match`")
    body.reject(
        node,
        f"`{python.__name__}` is of Python's library, which does not exist on the metal",
        "write a metal function that does the same",
    )


def _head(body: Body, python: FunctionType, owner: Type | None) -> Signature:
    try:
        return signatures.signature(python)
    except TypeProblem:
        body.program.require(python, owner, {})  # says what is wrong, where the function stands
        raise Rejected(None) from None


def _choose(
    body: Body, head: Signature, owner: Type | None, values: list[tree.Expression | None]
) -> Bindings:
    """The types that the type variables of a generic function stand for in this call."""
    bindings: Bindings = dict(getattr(owner.cls, "_bindings", {})) if isinstance(owner, Reference) else {}
    for parameter, value in zip(head.parameters, values, strict=True):
        if value is not None and parameter.annotation is not signatures.SELF:
            signatures.infer(parameter.annotation, value.type, bindings)
    return bindings


def _store(
    body: Body,
    node: ast.Call,
    head: Signature,
    function: tree.Function,
    values: list[tree.Expression | None],
    given: Given,
    skipped: int,
) -> list[tree.Expression]:
    """Every argument as its parameter's type, defaults included."""
    arguments = []
    for index, (parameter, (name, kind)) in enumerate(zip(head.parameters, function.parameters, strict=True)):
        value, place = values[index], _place(node, given, index - skipped)
        if value is None:
            value = names.constant(body, parameter.default, node)
        if index < skipped:
            value = attributes.not_none(body, value, place)
        arguments.append(convert(body, value, kind, f"parameter `{name}` of `{function.name}`", place))
    return arguments


def _place(node: ast.Call, given: Given, index: int) -> ast.expr:
    found = given.nodes[index] if index >= 0 else node.func
    return found if found is not None else node


def _method_call(body: Body, node: ast.Call) -> tree.Expression:
    if not isinstance(node.func, ast.Attribute):
        if isinstance(node.func, ast.Name) and node.func.id in body.poisoned:
            raise Rejected(None)
        attributes.refuse_missing(body, node.func)
        body.reject(
            node.func,
            f"`{body.text(node.func)}` is not the name of a function",
            "call functions by their names; choose between two with `if` or `match`",
        )
    if isinstance(names.known(body, node.func.value), ModuleType | type):
        attributes.refuse_missing(body, node.func)
    value = body.expression(node.func.value)
    name = node.func.attr
    match value.type:
        case Integer():
            return _number_method(body, node, value, name)
        case View() if name == "part":
            return _part(body, node, value)
        case PackedUnion(variants) if any(callable(attributes.class_attribute(v, name)) for v in variants):
            body.reject(
                node,
                f"which class's `{name}` to call is not known here",
                "narrow the union first, with `match` or `isinstance`",
            )
    cls = getattr(value.type, "cls", None)
    found = attributes.class_attribute(cls, name) if isinstance(cls, type) else MISSING
    if isinstance(found, FunctionType) and not _is_machinery(found):
        admit_class_of(body, value, node)
        return call_function(body, node, found, attributes.method_owner(value.type), value)
    if isinstance(found, staticmethod) and isinstance(found.__func__, FunctionType):
        return call_function(body, node, found.__func__, None, None)
    if isinstance(found, FunctionType | classmethod):
        _refuse_machinery(body, node, name, cls)
    read = attributes.attribute(body, value, name, node.func)
    body.reject(
        node, f"`{body.text(node.func)}` is {kinds.describe(read.type)}, not a method", "leave the () out"
    )


def admit_class_of(body: Body, value: tree.Expression, node: ast.AST) -> None:
    """Have the layout of a method's class ready."""
    if isinstance(value.type, Reference | PackedValue):
        admit_class(body, value.type.cls, node)


def _is_machinery(function: FunctionType) -> bool:
    """Whether a method is the class's life under CPython, not the program's."""
    return function.__module__.startswith("pith.metal.") and function.__module__.count(".") == 2


def _refuse_machinery(body: Body, node: ast.Call, name: str, cls: Any) -> NoReturn:
    remedy = {"_replace": "write `replace(value, field=...)`", "show": "it is for the debugger"}.get(
        name, f"call it on the class: `{getattr(cls, '__name__', 'T')}.{name}(...)`"
    )
    body.reject(node, f"`{name}` is not called on a value in metal code", remedy)


def _number_method(body: Body, node: ast.Call, value: tree.Expression, name: str) -> tree.Expression:
    if name not in ("bit_length", "bit_count") or node.args or node.keywords:
        body.reject(
            node,
            f"an integer has no method `{name}` here",
            spelling.suggestion(
                name, ("bit_length", "bit_count"), "integers have `bit_length()` and `bit_count()`"
            ),
        )
    return number_method(body, value, name, node)


def _part(body: Body, node: ast.Call, value: tree.Expression) -> tree.Expression:
    assert isinstance(value.type, View)
    given = match_arguments(body, node, [Slot("start", True), Slot("length", True)], "part")
    if given.order != [0, 1]:
        body.reject(node, "`part` takes its start before its length", "write `part(start, length)`")
    start, length = (as_integer(body, body.expression(n), n) for n in given.nodes if n is not None)
    return tree.PartOfView(View(value.type.element), body.at(node), value, start, length)


# Class methods of pith.metal ------------------------------------------------------------------------------------------


def _class_method(body: Body, node: ast.Call, cls: Any, function: Any) -> tree.Expression:
    """`T.at`, `T.maybe_at`, `P.from_bits`, `Array[T].at`."""
    name, at, kind = function.__name__, body.at(node), getattr(cls, "__metal_kind__", None)
    if kind == "array" and name == "at":
        return _view_at(body, node, cls)
    if kind == "struct" and name in ("at", "maybe_at"):
        admit_class(body, cls, node)
        address = _single(body, node, "address", f"{cls.__name__}.{name}")
        return tree.StructAt(Reference(cls, nullable=name == "maybe_at"), at, address)
    if kind == "packed" and name == "from_bits":
        admit_class(body, cls, node)
        width = Integer(0, (1 << cls.__bits__) - 1)
        raw = _single(body, node, "raw", f"{cls.__name__}.from_bits", width)
        return tree.PackedFromBits(PackedValue(cls), at, raw)
    body.reject(
        node, f"`{name}` is a class method, and classes are not values on the metal", "make it a staticmethod"
    )


def _single(
    body: Body, node: ast.Call, name: str, called: str, kind: Integer = kinds.WORD
) -> tree.Expression:
    given = match_arguments(body, node, [Slot(name, required=True)], called)
    argument = given.nodes[0]
    assert argument is not None
    return convert(body, body.expression(argument), kind, f"parameter `{name}` of `{called}`", argument)


def _view_at(body: Body, node: ast.Call, cls: Any) -> tree.Expression:
    if not hasattr(cls, "__element__"):
        body.reject(node, "an Array needs the type of its elements", "write Array[u64].at(address, length)")
    given = match_arguments(body, node, [Slot("address", True), Slot("length", True)], "Array.at")
    if given.order != [0, 1]:
        body.reject(node, "`at` takes its address before its length", "write `at(address, length)`")
    values = []
    for argument, name in zip(given.nodes, ("address", "length"), strict=True):
        assert argument is not None
        value = body.expression(argument)
        values.append(convert(body, value, kinds.WORD, f"parameter `{name}` of `Array.at`", argument))
    return tree.MakeView(View(cls.__element__), body.at(node), values[0], values[1])


# The machine --------------------------------------------------------------------------------------------------------


def _intrinsic(body: Body, node: ast.Call, target: FunctionType) -> tree.Expression:
    """An operation that code generation expands."""
    name: str = target.__dict__["__metal_intrinsic__"]
    at = body.at(node)
    if name == "on_metal":
        return tree.Constant(kinds.BOOLEAN, at, 1)
    head = signatures.signature(target)
    slots = [Slot(p.name, p.default is MISSING) for p in head.parameters]
    given = match_arguments(body, node, slots, target.__name__)
    if given.order != sorted(given.order):
        body.reject(
            node,
            f"`{name}` evaluates its arguments in the order of its parameters",
            "write them in that order",
        )
    arguments = [
        _intrinsic_argument(body, name, parameter, argument)
        for parameter, argument in zip(head.parameters, given.nodes, strict=True)
        if argument is not None
    ]
    result = signatures.resolve_in(head.result, {}, None)
    if isinstance(result, Never):
        body.state = body.state.dead()
    return tree.IntrinsicCall(result, at, name, arguments)


def _intrinsic_argument(body: Body, name: str, parameter: Parameter, node: ast.expr) -> tree.Expression:
    kind = signatures.resolve_in(parameter.annotation, {}, None)
    value = convert(body, body.expression(node), kind, f"parameter `{parameter.name}` of `{name}`", node)
    if name in _CONSTANT_TEXT and kind == kinds.TEXT and not isinstance(value, tree.TextConstant):
        body.reject(
            node, f"the {parameter.name} must be a constant", "write it as text in quotes, or name a constant"
        )
    return value
