"""F-strings given to a text sink: one call a part.

    put(f"thread {name} at {address:#x}")   →   put("thread "); put(name); put(" at "); number(address, 16, 0, True)

All parts are evaluated before the first is put, as CPython does. A number that may be negative, given to a sink whose numbers
may not, is put as its sign and its magnitude; the sign takes one of the digits that the format asks for.
"""

from __future__ import annotations

import ast
import re
from types import FunctionType

from ...types import Boolean, Enumeration, Integer, Text
from .. import tree
from . import kinds, names, ranges
from .body import Body, reads
from .builtin_calls import number_method
from .conversions import convert

_FORMAT = re.compile(r"(#?)(?:0(\d+))?([xd]?)")


@reads(ast.JoinedStr)
def _elsewhere(body: Body, node: ast.JoinedStr) -> tree.Expression:
    body.reject(
        node,
        "text is not made at run time",
        'give the f-string to a text sink, alone in a statement: `put(f"...")`',
    )


def expand_text(body: Body, node: ast.expr) -> list[tree.Statement] | None:
    """The statements that `put(f"...")` becomes; None for any other expression."""
    if not isinstance(node, ast.Call) or len(node.args) != 1 or not isinstance(node.args[0], ast.JoinedStr):
        return None
    sink = names.known(body, node.func)
    if not isinstance(sink, FunctionType) or "__metal_number__" not in sink.__dict__:
        return None
    if not isinstance(sink.__dict__["__metal_number__"], FunctionType):
        body.reject(
            node, f"`{sink.__name__}` has no function to put numbers", "name one: `@text_sink(number=...)`"
        )
    put = body.program.require(sink, None, {})
    number = body.program.require(sink.__dict__["__metal_number__"], None, {})
    held: list[tree.Statement] = []
    calls: list[tree.Statement] = []
    for part in node.args[0].values:
        at = body.at(part)
        if isinstance(part, ast.Constant):
            calls.append(_call(put, at, [names.constant(body, part.value, part)]))
        else:
            assert isinstance(part, ast.FormattedValue)
            value = body.expression(part.value)
            more, value = body.hold(value, part.value)
            held += more
            calls.append(_part(body, part, value, put, number))
    return held + calls


def _call(target: tree.Function, at: tree.Location, arguments: list[tree.Expression]) -> tree.Statement:
    return tree.Evaluate(at, tree.Call(target.result, at, target, arguments, list(range(len(arguments)))))


def _part(
    body: Body, part: ast.FormattedValue, value: tree.Expression, put: tree.Function, number: tree.Function
) -> tree.Statement:
    if part.conversion != -1:
        body.reject(part.value, "`!r`, `!s` and `=` make text at run time", "format numbers with `x` or `d`")
    match value.type:
        case Text():
            if part.format_spec is not None:
                body.reject(part.value, "text is put as it is, without a format", "leave the format out")
            return _call(put, body.at(part), [value])
        case Integer():
            return _number(body, part, value, put, number)
        case Boolean():
            body.reject(
                part.value, "a bool has no text on the metal", "write int(...), or choose text with `if`"
            )
        case Enumeration():
            body.reject(
                part.value,
                "an enum member has no text on the metal",
                "write int(...), or choose text with `match`",
            )
    body.reject(
        part.value, f"{kinds.describe(value.type)} has no text on the metal", "give a number or a text of it"
    )


def _number(
    body: Body, part: ast.FormattedValue, value: tree.Expression, put: tree.Function, number: tree.Function
) -> tree.Statement:
    spec = "".join(
        str(v.value) if isinstance(v, ast.Constant) else "?" for v in getattr(part.format_spec, "values", [])
    )
    found = _FORMAT.fullmatch(spec)
    if found is None or (found[1] and found[3] != "x"):
        body.reject(
            part.value,
            f"the format `{spec}` is not known here",
            "use none, `d`, `0Nd`, `x`, `#x`, `0Nx` or `#0Nx`",
        )
    at, wanted, kind = body.at(part), number.parameters[0][1], value.type
    assert isinstance(kind, Integer)
    is_signed = isinstance(wanted, Integer) and kind.low < wanted.low
    put_kind = ranges.absolute(kind) if is_signed else kind
    if isinstance(wanted, Integer) and (put_kind.low < wanted.low or put_kind.high > wanted.high):
        body.reject(
            part.value,
            f"the number's range is {kind.low}..{kind.high}, and `{number.name}` takes {kinds.describe(wanted)}",
            "store it in a sized local first",
        )
    digits = max(int(found[2] or 0) - (2 if found[1] and found[2] else 0), 0)

    def call(shown: tree.Expression, width: int) -> tree.Statement:
        arguments = [convert(body, shown, wanted, "a number to put", part.value)]
        settings = (16 if found[3] == "x" else 10, width, bool(found[1]))
        for setting, (name, target) in zip(settings, number.parameters[1:], strict=True):
            constant = names.constant(body, setting, part.value)
            arguments.append(convert(body, constant, target, f"parameter `{name}`", part.value))
        return _call(number, at, arguments)

    if not is_signed:
        return call(value, digits)
    is_negative = tree.Compare(Boolean(), at, "<", value, names.constant(body, 0, part.value))
    magnitude = number_method(body, value, "abs", part.value)
    sign = _call(put, at, [names.constant(body, "-", part.value)])
    return tree.If(at, is_negative, [sign, call(magnitude, max(digits - 1, 0))], [call(magnitude, digits)])
