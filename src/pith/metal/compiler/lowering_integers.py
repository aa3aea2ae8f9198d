"""Exact integer arithmetic in fixed widths.

Every operation is done at a width that holds its operands and its result under one reading (signed or unsigned), so
it never wraps; LLVM is told so (nuw, nsw). Most kernel arithmetic is checked back into 64 bits at once:
`converted_arithmetic` makes one overflow-checking instruction of that. The rest that LLVM sees as 128-bit additions cut
to 64 bits it narrows by itself.
"""

from __future__ import annotations

from ..types import Integer
from . import ir
from .ir import Value
from .lowering_builder import Builder
from .lowering_types import common_width, fits, width

WORD_RANGE = Integer(0, (1 << 64) - 1)
_WORD_TO_EXACT = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}
_PREDICATES = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def at_width(b: Builder, value: Value, kind: Integer, bits: int) -> Value:
    """`value` of range `kind` at `bits` bits."""
    return b.resize(value, bits, signed=kind.signed)


def arithmetic(
    b: Builder, operator: str, left: Value, right: Value, kinds: tuple[Integer, Integer], result: Integer
) -> Value:
    """`left operator right`, exact, in the representation of `result`."""
    if operator in ("//", "%"):
        value, bits = _divide(b, operator, left, right, kinds)
    elif operator in ("<<", ">>"):
        value, bits = _shift(b, operator, left, right, kinds, result)
    else:
        bits = common_width(*kinds, result)
        x, y = (at_width(b, v, k, bits) for v, k in zip((left, right), kinds, strict=True))
        exact = _exactness(bits, *kinds, result) if operator in "+-*" else ""
        value = b.binary(_WORD_TO_EXACT[operator], x, y, exact)
    return b.resize(value, width(result))


def _exactness(bits: int, *ranges: Integer) -> str:
    unsigned = all(fits(r, bits, signed=False) for r in ranges)
    signed = all(fits(r, bits, signed=True) for r in ranges)
    return " ".join(["nuw"] * unsigned + ["nsw"] * signed)


def _shift(
    b: Builder, operator: str, left: Value, right: Value, kinds: tuple[Integer, Integer], result: Integer
) -> tuple[Value, int]:
    kind, amounts = kinds
    bits = common_width(kind, result)
    x = at_width(b, left, kind, bits)
    if operator == "<<":
        if amounts.high >= bits:  # only 0 can be shifted that far and still be in range
            return ir.Literal(0, ir.Int(bits)), bits
        amount = at_width(b, right, amounts, bits)
        return b.binary("shl", x, amount, _exactness(bits, kind, result)), bits
    if amounts.high < bits:
        amount = at_width(b, right, amounts, bits)
        return b.binary("ashr" if kind.signed else "lshr", x, amount), bits
    last = ir.Literal(bits - 1, right.kind)
    far = b.compare("ugt", right, last)
    amount = at_width(b, b.choose(far, last, right), amounts, bits)
    if kind.signed:  # the sign fills everything
        return b.binary("ashr", x, amount), bits
    return b.choose(far, ir.Literal(0, x.kind), b.binary("lshr", x, amount)), bits


def _divide(
    b: Builder, operator: str, left: Value, right: Value, kinds: tuple[Integer, Integer]
) -> tuple[Value, int]:
    if kinds[1].low <= 0 <= kinds[1].high:
        nonzero = b.compare("ne", right, ir.Literal(0, right.kind))
        b.panic_unless(nonzero, "division by zero")
    if kinds[0].low >= 0 and kinds[1].low >= 0:
        bits = common_width(*kinds)
        x, y = (at_width(b, v, k, bits) for v, k in zip((left, right), kinds, strict=True))
        return b.binary("udiv" if operator == "//" else "urem", x, y), bits
    return _divide_signed(b, operator, left, right, kinds)


def _divide_signed(
    b: Builder, operator: str, left: Value, right: Value, kinds: tuple[Integer, Integer]
) -> tuple[Value, int]:
    """LLVM rounds toward zero; Python rounds down: one less where the remainder's sign is not the divisor's."""
    quotients = kinds[0] if kinds[1].low >= 0 else Integer(-kinds[0].high, max(kinds[0].high, -kinds[0].low))
    bits = common_width(*kinds, quotients, Integer(-1, 0))
    x, y = (at_width(b, v, k, bits) for v, k in zip((left, right), kinds, strict=True))
    zero = ir.Literal(0, x.kind)
    remainder = b.binary("srem", x, y)
    differs = b.compare("slt", b.binary("xor", remainder, y), zero)
    down = b.binary("and", b.compare("ne", remainder, zero), differs)
    if operator == "%":
        return b.binary("add", remainder, b.choose(down, y, zero)), bits
    return b.binary("add", b.binary("sdiv", x, y), b.cast("sext", down, x.kind)), bits


def converted_arithmetic(
    b: Builder,
    operator: str,
    left: Value,
    right: Value,
    kinds: tuple[Integer, Integer],
    target: Integer,
    reason: str,
) -> Value | None:
    """`left operator right` checked into a 64-bit `target`, in one overflow-checking step; None: not that case."""
    names = {"+": "add", "-": "sub", "*": "mul"}
    for letter, signed in (("u", False), ("s", True)):
        if operator in names and all(fits(k, 64, signed) for k in (*kinds, target)):
            pair = b.register(ir.Aggregate((ir.WORD, ir.FLAG)))
            b.emit(ir.Overflowing(pair, letter + names[operator], left, right))
            value = b.item(pair, 0)
            b.panic_unless(b.compare("eq", b.item(pair, 1), ir.Literal(0, ir.FLAG)), reason, value)
            whole = Integer(-(1 << 63), (1 << 63) - 1) if signed else WORD_RANGE
            return check(b, value, whole, target, reason)
    return None


def check(b: Builder, value: Value, kind: Integer, target: Integer, reason: str) -> Value:
    """`value` as `target`; panics where it does not fit. No code where it always does."""
    if kind.low < target.low or kind.high > target.high:
        b.panic_unless(in_range(b, value, kind, target), reason, value)
    return at_width(b, value, kind, width(target))


def in_range(b: Builder, value: Value, kind: Integer, target: Integer) -> Value:
    """Whether `value` lies in `target`; the ranges overlap only partly."""
    assert isinstance(value.kind, ir.Int)
    if kind.high < target.low or target.high < kind.low:
        return ir.Literal(0, ir.FLAG)
    less, greater = ("slt", "sgt") if kind.signed else ("ult", "ugt")
    below, above = kind.low < target.low, kind.high > target.high
    if below and above:  # as unsigned distances from `low`, both bounds are one
        distance = b.binary("sub", value, ir.Literal(target.low, value.kind)) if target.low else value
        return b.compare("ule", distance, ir.Literal(target.high - target.low, value.kind))
    bound = ir.Literal(target.low if below else target.high, value.kind)
    outside = b.compare(less if below else greater, value, bound)
    return b.compare("eq", outside, ir.Literal(0, ir.FLAG))


def compare(b: Builder, operator: str, left: Value, right: Value, kinds: tuple[Integer, Integer]) -> Value:
    """`left operator right`, as mathematics has it."""
    bits = common_width(*kinds)
    x, y = (at_width(b, v, k, bits) for v, k in zip((left, right), kinds, strict=True))
    predicate = _PREDICATES[operator]
    if operator not in ("==", "!="):
        predicate = ("s" if any(k.signed for k in kinds) else "u") + predicate
    return b.compare(predicate, x, y)


def negate(b: Builder, value: Value, kind: Integer, result: Integer) -> Value:
    bits = common_width(kind, result, Integer(0, 0))
    x = at_width(b, value, kind, bits)
    return b.resize(b.binary("sub", ir.Literal(0, x.kind), x), width(result))


def invert(b: Builder, value: Value, kind: Integer, result: Integer) -> Value:
    bits = common_width(kind, result)
    x = at_width(b, value, kind, bits)
    return b.resize(b.binary("xor", x, ir.Literal(-1, x.kind)), width(result))


def absolute(b: Builder, value: Value, kind: Integer, result: Integer) -> Value:
    bits = common_width(kind, result)
    x = at_width(b, value, kind, bits)
    if kind.signed:
        zero = ir.Literal(0, x.kind)
        x = b.choose(b.compare("slt", x, zero), b.binary("sub", zero, x), x)
    return b.resize(x, width(result))


def bit_length(b: Builder, value: Value, kind: Integer, result: Integer) -> Value:
    magnitude = Integer(0, max(kind.high, -kind.low, 0))
    x = absolute(b, value, kind, magnitude)
    zeros = b.register(x.kind)
    b.emit(ir.Count(zeros, "ctlz", x))
    length = b.binary("sub", ir.Literal(width(magnitude), x.kind), zeros, "nuw nsw")
    return b.resize(length, width(result))


def bit_count(b: Builder, value: Value, kind: Integer, result: Integer) -> Value:
    x = absolute(b, value, kind, Integer(0, max(kind.high, -kind.low, 0)))
    ones = b.register(x.kind)
    b.emit(ir.Count(ones, "ctpop", x))
    return b.resize(ones, width(result))


def extreme(b: Builder, name: str, values: list[Value], kinds: list[Integer], result: Integer) -> Value:
    """`min(...)` or `max(...)`; of equals the first, as in Python, but equal integers are the same."""
    bits = common_width(*kinds, result)
    best = at_width(b, values[0], kinds[0], bits)
    signed = any(k.signed for k in kinds)
    for value, kind in zip(values[1:], kinds[1:], strict=True):
        other = at_width(b, value, kind, bits)
        predicate = ("s" if signed else "u") + ("lt" if name == "min" else "gt")
        best = b.choose(b.compare(predicate, other, best), other, best)
    return b.resize(best, width(result))
