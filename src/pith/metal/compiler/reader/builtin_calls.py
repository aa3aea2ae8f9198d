"""Builtins: the few of Python's own functions that exist on the metal, and what to write instead of the others."""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import EnumType
from typing import Any, NoReturn

from ...structs import Struct, size_of, static
from ...types import Boolean, Integer, Text, View
from ...values import replace
from .. import tree
from . import kinds, names, ranges
from .attributes import length_of
from .body import Body
from .classes import admit_class
from .construction import replace_call
from .conversions import as_integer, integer_type, truth
from .flow import meet
from .narrowing import is_instance

Builtin = Callable[[Body, ast.Call], tree.Expression]


def _one(body: Body, call: ast.Call) -> ast.expr:
    if len(call.args) != 1 or call.keywords:
        body.reject(call, f"`{body.text(call.func)}` takes one argument here", "pass exactly one")
    return call.args[0]


def _len(body: Body, call: ast.Call) -> tree.Expression:
    node = _one(body, call)
    known = names.known(body, node)
    if isinstance(known, tuple | EnumType):
        return names.constant(body, len(known), call)
    value = body.expression(node)
    if not isinstance(value.type, View | Text):
        body.reject(node, f"{kinds.describe(value.type)} has no length", "`len` is for arrays and text")
    return length_of(body, value, call)


def _extreme(name: str, range_of: Callable[[list[Integer]], Integer]) -> Builtin:
    def read(body: Body, call: ast.Call) -> tree.Expression:
        if len(call.args) < 2 or call.keywords:
            body.reject(
                call, f"`{name}` takes two or more integers", f"write `{name}(a, b)`; over an array, a loop"
            )
        values = [as_integer(body, body.expression(a), a) for a in call.args]
        kind = range_of([integer_type(v) for v in values])
        if all(isinstance(v, tree.Constant) for v in values):
            return tree.Constant(kind, body.at(call), kind.low)
        return tree.Builtin(kind, body.at(call), name, values)

    return read


def _abs(body: Body, call: ast.Call) -> tree.Expression:
    return number_method(body, body.expression(_one(body, call)), "abs", call)


_RANGE_OF: dict[str, Callable[[Integer], Integer]] = {
    "abs": ranges.absolute,
    "bit_length": ranges.bit_length,
    "bit_count": ranges.bit_count,
}


def number_method(body: Body, value: tree.Expression, name: str, node: ast.AST) -> tree.Expression:
    """`abs(x)`, `x.bit_length()`, `x.bit_count()`."""
    number = as_integer(body, value, node)
    kind = _RANGE_OF[name](integer_type(number))
    if kind.low == kind.high and isinstance(number, tree.Constant):
        return tree.Constant(kind, body.at(node), kind.low)
    if isinstance(number, tree.Constant):
        exact = number.value.bit_count()  # a range has the count of neither of its ends
        return tree.Constant(Integer(exact, exact), body.at(node), exact)
    return tree.Builtin(kind, body.at(node), name, [number])


def _int(body: Body, call: ast.Call) -> tree.Expression:
    node = _one(body, call)
    value = body.expression(node)
    if isinstance(value.type, Boolean):
        if isinstance(value, tree.Constant):
            return names.constant(body, value.value, call)
        return tree.Convert(Integer(0, 1), body.at(call), value, proven=True)
    return as_integer(body, value, node)


def _bool(body: Body, call: ast.Call) -> tree.Expression:
    node = _one(body, call)
    return truth(body, body.expression(node), node)


def _ord(body: Body, call: ast.Call) -> tree.Expression:
    node = _one(body, call)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) == 1:
        return names.constant(body, ord(node.value), call)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        text = body.expression(node.value)
        if isinstance(text.type, Text):
            index = as_integer(body, body.expression(node.slice), node.slice)
            return tree.TextByte(Integer(0, 255), body.at(call), text, index)
    body.reject(node, "`ord` reads one character of a text", "write `ord(text[index])`")


def _isinstance(body: Body, call: ast.Call) -> tree.Expression:
    if len(call.args) != 2 or call.keywords:
        body.reject(call, "`isinstance` takes a value and a class", "write `isinstance(value, Class)`")
    condition = is_instance(body, call.args[0], call.args[1], call)
    body.state = meet(condition.true, condition.false)
    return condition.test


def _size_of(body: Body, call: ast.Call) -> tree.Expression:
    node = _one(body, call)
    cls = names.known(body, node)
    if not isinstance(cls, type) or not issubclass(cls, Struct):
        body.reject(node, "`size_of` takes a struct class", "name the class, not a value of it")
    admit_class(body, cls, node)
    return names.constant(body, size_of(cls), call)


def _static(body: Body, call: ast.Call) -> tree.Expression:
    body.reject(
        call,
        "a static is made when the module is imported, not when a function runs",
        "write `NAME: Final = static(...)` at module level",
    )


BUILTINS: dict[Any, Builtin] = {
    len: _len,
    min: _extreme("min", ranges.smallest),
    max: _extreme("max", ranges.largest),
    abs: _abs,
    int: _int,
    bool: _bool,
    ord: _ord,
    isinstance: _isinstance,
    size_of: _size_of,
    static: _static,
    replace: replace_call,
}

_INSTEAD = {
    "range": "use it in `for i in range(...)` or `x in range(...)`",
    "print": "call a text sink (see pith.metal.text_sink)",
    "str": 'give the number to a text sink: `put(f"{number}")`',
    "list": "use an Array in a struct",
    "dict": "use an Array in a struct",
    "set": "use an integer as a set of bits",
    "tuple": "write the items out",
    "sum": "add in a loop, into an annotated local",
    "any": "test in a loop",
    "all": "test in a loop",
    "enumerate": "write `for i in range(len(array))`",
    "zip": "write `for i in range(len(array))`",
    "reversed": "write `for i in range(len(array) - 1, -1, -1)`",
    "sorted": "sort in place, in a loop",
    "divmod": "write `//` and `%`",
    "pow": "multiply in a loop, or shift",
    "round": "integers need no rounding",
    "float": "use integers: there is no floating point",
    "hash": "compute one from the fields",
    "id": "use `.address`",
    "getattr": "name the attribute",
    "setattr": "name the attribute",
    "hasattr": "narrow the union with `match`",
    "type": "use `isinstance` or `match`",
    "chr": "keep the number",
    "hex": 'give the number to a text sink: `put(f"{number:#x}")`',
    "super": "name the function that you mean",
    "input": "read a device",
    "open": "there are no files here",
}


def refuse_builtin(body: Body, call: ast.Call, name: str) -> NoReturn:
    """A builtin that does not exist on the metal."""
    body.reject(
        call,
        f"the builtin `{name}` does not exist on the metal",
        _INSTEAD.get(name, "write it in simpler steps"),
    )
