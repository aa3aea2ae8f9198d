"""Names: what a name in a function means, when it is not a local, and constants.

The modules are imported, so a global name is a living Python object. `known` follows names, attributes and constant
subscripts through modules, classes, enums and other objects of CPython's for as long as no run-time value is involved;
`constant` turns the object that it arrives at into a node of the tree.
"""

from __future__ import annotations

import ast
import builtins
import typing
from enum import Enum, IntEnum
from types import FunctionType, ModuleType
from typing import Any, Final, NoReturn, cast

from ... import memory
from ...failures import Failure
from ...types import Enumeration, Integer, PackedValue, Record, Reference, Tuple, Type
from .. import tree
from . import kinds, spelling
from .body import Body, Caught, reads
from .conversions import convert
from .signatures import MISSING, resolve_in

BUILTINS: Final = (
    "abs",
    "bool",
    "int",
    "isinstance",
    "len",
    "max",
    "min",
    "ord",
    "range",
)  # of Python's, on the metal


def known(body: Body, node: ast.expr) -> Any:
    """The Python object that an expression of names means at compile time; MISSING where there is none."""
    match node:
        case ast.Name(id=name):
            if name in body.names:
                return MISSING
            return body.globals.get(name, getattr(builtins, name, MISSING))
        case ast.Constant(value=value):
            return value
        case ast.Attribute(value=inner, attr=name):
            return _known_attribute(known(body, inner), name)
        case ast.Subscript(value=inner, slice=index):
            return _known_subscript(body, inner, index)
        case ast.Call(func=ast.Attribute(value=inner, attr="layout"), args=[], keywords=[]):
            cls: Any = known(body, inner)
            return getattr(cls, "layout", lambda: MISSING)() if isinstance(cls, type) else MISSING
    return MISSING


def _known_attribute(owner: Any, name: str) -> Any:
    """An attribute of a module, class or plain object; not of what lives at run time."""
    if owner is MISSING or is_run_time(owner):
        return MISSING
    if isinstance(owner, type) and getattr(owner, "__metal_kind__", None) in ("struct", "packed"):
        cast("Any", owner).layout()  # so that a field is an accessor, not the default beside its annotation
    try:
        found = getattr(owner, name, MISSING)
    except Exception:  # an object of CPython's that computes its attributes, and will not give this one now
        return MISSING
    return MISSING if isinstance(found, property) else found


def _known_subscript(body: Body, inner: ast.expr, index: ast.expr) -> Any:
    owner = known(body, inner)
    if owner is MISSING or is_run_time(owner):
        return MISSING
    if isinstance(owner, type):  # Array[T], Queue[Thread]
        return evaluate_annotation(body, ast.Subscript(inner, index, ast.Load()))
    key = known(body, index)
    if key is MISSING or not isinstance(owner, tuple | dict):
        return MISSING
    return owner[key]


def is_run_time(value: Any) -> bool:
    """Whether an object stands for something that exists when the compiled program runs."""
    return not isinstance(value, type) and hasattr(type(value), "__metal_kind__")


def evaluate_annotation(body: Body, node: ast.expr) -> Any:
    """The object that an annotation (or `Array[T]`) in the body evaluates to."""
    wrapped = ast.fix_missing_locations(ast.Expression(node))
    try:
        found = eval(compile(wrapped, body.source.path, "eval"), body.globals)
        while isinstance(found, str):
            found = eval(found, body.globals)
    except NameError as problem:
        remedy = spelling.where_defined(problem.name, body.globals)
        body.reject(
            node if hasattr(node, "lineno") else body.node,
            f"the annotation name `{problem.name}` is not defined",
            remedy or "name types that the module imports",
        )
    except Exception as problem:
        body.reject(
            node if hasattr(node, "lineno") else body.node,
            f"this annotation cannot be evaluated ({type(problem).__name__}: {problem})",
            "name types that the module imports",
        )
    return found


def constant(body: Body, value: Any, node: ast.AST) -> tree.Expression:
    """The node for a Python object that the program mentions."""
    at = body.at(node)
    match value:
        case None:
            return tree.Constant(kinds.NOTHING, at, 0)
        case bool():
            return tree.Constant(kinds.BOOLEAN, at, int(value))
        case IntEnum():
            return tree.Constant(Enumeration(type(value)), at, int(value))
        case Enum():
            body.reject(node, f"{type(value).__name__} is an Enum without numbers", "make it an IntEnum")
        case int():
            return tree.Constant(Integer(value, value), at, value)
        case str():
            if not value.isascii():
                body.reject(
                    node,
                    "text on the metal is ASCII: a character is a byte",
                    "write other characters in ASCII, such as `->` or `us`",
                )
            return tree.TextConstant(kinds.TEXT, at, value)
        case tuple():
            items = [constant(body, item, node) for item in value]
            return tree.MakeRecord(Tuple(tuple(i.type for i in items)), at, items, list(range(len(items))))
    kind = getattr(type(value), "__metal_kind__", None)
    if kind == "struct" and any(value is s for s in memory.statics):
        return tree.StaticReference(Reference(type(value)), at, value, body.program.static(value))
    if kind == "packed" and not isinstance(value, type):
        return _packed_constant(body, value, node)
    if kind == "value" and not isinstance(value, type):
        return _record_constant(body, value, node)
    return _refuse_constant(body, value, node)


def _packed_constant(body: Body, value: Any, node: ast.AST) -> tree.Expression:
    cls = type(value)
    at = body.at(node)
    fields = []
    for item in cls.layout().values():
        wanted: Type = item.type
        if isinstance(wanted, Reference):
            raw = value.bits >> item.at & ((1 << item.width) - 1)
            if raw or not wanted.nullable:
                raw_bits = tree.Constant(Integer(value.bits, value.bits), at, value.bits)
                return tree.PackedFromBits(PackedValue(cls), at, raw_bits)
        field = constant(body, getattr(value, item.name), node)
        fields.append((item, convert(body, field, wanted, f"field `{cls.__name__}.{item.name}`", node)))
    return tree.MakePacked(PackedValue(cls), at, cls, fields)


def _record_constant(body: Body, value: Any, node: ast.AST) -> tree.Expression:
    cls: Any = type(value)
    items = []
    for name, kind in kinds.record_items(cls):
        item = constant(body, getattr(value, name), node)
        items.append(convert(body, item, kind, f"field `{cls.__name__}.{name}`", node))
    return tree.MakeRecord(Record(cls), body.at(node), items, list(range(len(items))))


def _refuse_constant(body: Body, value: Any, node: ast.AST) -> tree.Expression:
    shown = body.text(node)
    if isinstance(value, ModuleType):
        body.reject(node, f"`{shown}` is a module, not a value", "name something in it")
    if isinstance(value, FunctionType) or callable(value):
        body.reject(
            node,
            f"`{shown}` is {'a class' if isinstance(value, type) else 'a function'}, and only values are passed around",
            "call it here, or choose with `if` or `match`",
        )
    if isinstance(value, float):
        body.reject(node, f"`{shown}` is a float, and the kernel has no floating point", "use integers")
    if isinstance(value, list | dict | set | bytes):
        body.reject(
            node,
            f"`{shown}` is a {type(value).__name__}, which lives on CPython's heap",
            "use a tuple of integers for a constant, or a static struct with an array for state",
        )
    if getattr(type(value), "__metal_kind__", None) == "struct":
        body.reject(node, f"`{shown}` is a struct that no `static` made", "make it with static(...)")
    body.reject(
        node,
        f"`{shown}` is a {type(value).__name__} object, which has no meaning on the metal",
        "constants are integers, bools, enum members, text, tuples, and packed or value objects",
    )


@reads(ast.Name)
def _name(body: Body, node: ast.Name) -> tree.Expression:
    if node.id in body.names:
        return body.read_local(node.id, node)
    for caught in reversed(body.caught):
        if caught.name == node.id:
            return _whole_failure(body, caught, node)
    value = known(body, node)
    if value is MISSING:
        refuse_undefined(body, node)
    return constant(body, value, node)


def refuse_undefined(body: Body, node: ast.Name) -> NoReturn:
    """A name that neither the function nor the module gives a meaning."""
    remedy = spelling.where_defined(node.id, [*body.names, *body.globals, *BUILTINS])
    body.reject(node, f"`{node.id}` is not defined", remedy or "import it, or give it a value first")


def _whole_failure(body: Body, caught: Caught, node: ast.Name) -> tree.Expression:
    """A caught failure as a value: its fields, which the handler put into locals."""
    at = body.at(node)
    if caught.cls is Failure:
        body.reject(node, "which failure this is, is not known here", "write one handler for each")
    items: list[tree.Expression] = [
        tree.Local(kind, at, caught.fields[name]) for name, kind in kinds.record_items(caught.cls)
    ]
    return tree.MakeRecord(Record(caught.cls), at, items, list(range(len(items))))


@reads(ast.Constant)
def _constant(body: Body, node: ast.Constant) -> tree.Expression:
    if node.value is Ellipsis:
        body.reject(node, "`...` is not a value", "write `pass`, or the value that you mean")
    return constant(body, node.value, node)


def metal_type(body: Body, node: ast.expr) -> Type:
    """The type that an annotation in the body names."""
    annotation = evaluate_annotation(body, node)
    if typing.get_origin(annotation) is typing.Final:
        annotation = typing.get_args(annotation)[0]
    return resolve_in(annotation, body.bindings, body.owner)
