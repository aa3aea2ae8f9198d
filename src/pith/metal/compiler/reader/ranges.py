"""Intervals of integers: what is known of an expression's value from what is known of its operands.

Every function takes and gives exact ranges `Integer(low, high)`; the result holds every value that Python's operator can
give for operands in their ranges, and its ends are reached wherever that can be told cheaply.
"""

from __future__ import annotations

from collections.abc import Callable

from ...types import Integer

WIDEST = 256  # bits that an intermediate result may take
_FAR = 1 << 10  # a right shift by more than this gives 0 or -1 whatever it shifts


class NoRange(Exception):
    """The operation has no meaning for operands of these ranges; says why, and what to write instead."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def hull(a: Integer, b: Integer) -> Integer:
    """The smallest range that holds both."""
    return Integer(min(a.low, b.low), max(a.high, b.high))


def _corners(operation: Callable[[int, int], int], a: Integer, b: Integer) -> Integer:
    """The range of an operation that is monotonic in each operand: its extremes lie at the corners."""
    values = [operation(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Integer(min(values), max(values))


def _add(a: Integer, b: Integer) -> Integer:
    return Integer(a.low + b.low, a.high + b.high)


def _subtract(a: Integer, b: Integer) -> Integer:
    return Integer(a.low - b.high, a.high - b.low)


def _multiply(a: Integer, b: Integer) -> Integer:
    return _corners(lambda x, y: x * y, a, b)


def _without_zero(b: Integer) -> list[Integer]:
    """The divisors of `b` by sign: 0 is not among them, for dividing by it stops the program."""
    parts = [Integer(b.low, min(b.high, -1)), Integer(max(b.low, 1), b.high)]
    parts = [p for p in parts if p.low <= p.high]
    if not parts:
        raise NoRange("this always divides by zero", "divide by something that can be another number than 0")
    return parts


def _floor_divide(a: Integer, b: Integer) -> Integer:
    results = [_corners(lambda x, y: x // y, a, part) for part in _without_zero(b)]
    return hull(results[0], results[-1])


def _modulo(a: Integer, b: Integer) -> Integer:
    results = [_modulo_one_sign(a, part) for part in _without_zero(b)]
    return hull(results[0], results[-1])


def _modulo_one_sign(a: Integer, b: Integer) -> Integer:
    """`a % b` has the sign of `b`, all of one sign here, and is nearer to zero than `b`."""
    if b.low > 0:
        if a.low >= 0 and a.high < b.low:
            return a
        return Integer(0, min(b.high - 1, a.high) if a.low >= 0 else b.high - 1)
    if a.high <= 0 and a.low > b.high:
        return a
    return Integer(max(b.low + 1, a.low) if a.high <= 0 else b.low + 1, 0)


def _magnitude(a: Integer) -> int:
    """Bits of the values of `a` without their sign."""
    return max(a.high.bit_length() if a.high >= 0 else 0, (~a.low).bit_length() if a.low < 0 else 0)


def _and(a: Integer, b: Integer) -> Integer:
    if a.low >= 0 or b.low >= 0:
        return Integer(0, min(x.high for x in (a, b) if x.low >= 0))
    return Integer(-(1 << max(_magnitude(a), _magnitude(b))), max(a.high, b.high))


def _or(a: Integer, b: Integer) -> Integer:
    high = -1 if a.high < 0 or b.high < 0 else (1 << max(a.high.bit_length(), b.high.bit_length())) - 1
    low = max(a.low, b.low) if a.low >= 0 and b.low >= 0 else min(a.low, b.low)
    return Integer(low, high)


def _xor(a: Integer, b: Integer) -> Integer:
    reach = 1 << max(_magnitude(a), _magnitude(b))
    return Integer(0 if a.low >= 0 and b.low >= 0 else -reach, reach - 1)


def _shift_amount(b: Integer) -> None:
    if b.low < 0:
        raise NoRange(
            f"the amount of this shift may be negative (its range is {b.low}..{b.high})",
            "declare the amount u6, or mask it: `value >> (amount & 63)`",
        )


def _shift_left(a: Integer, b: Integer) -> Integer:
    _shift_amount(b)
    if b.high > WIDEST:
        raise NoRange(
            f"the amount of this left shift may be as large as {b.high}",
            "declare the amount u6, or mask it: `value << (amount & 63)`",
        )
    return _corners(lambda x, y: x << y, a, b)


def _shift_right(a: Integer, b: Integer) -> Integer:
    _shift_amount(b)
    return _corners(lambda x, y: x >> y, a, Integer(min(b.low, _FAR), min(b.high, _FAR)))


_OPERATORS: dict[str, Callable[[Integer, Integer], Integer]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "//": _floor_divide,
    "%": _modulo,
    "&": _and,
    "|": _or,
    "^": _xor,
    "<<": _shift_left,
    ">>": _shift_right,
}


def arithmetic(operator: str, a: Integer, b: Integer) -> Integer:
    """The range of `a operator b`. Raises NoRange where it has none, or one wider than WIDEST bits."""
    result = _OPERATORS[operator](a, b)
    if result.bits > WIDEST:
        raise NoRange(
            f"this may take {result.bits} bits, more than the {WIDEST} that an intermediate result may have",
            "store a part of it in a sized local first: `part: u64 = ...`",
        )
    return result


def negate(a: Integer) -> Integer:
    """The range of `-a`."""
    return Integer(-a.high, -a.low)


def invert(a: Integer) -> Integer:
    """The range of `~a`."""
    return Integer(~a.high, ~a.low)


def absolute(a: Integer) -> Integer:
    """The range of `abs(a)`."""
    nearest = 0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return Integer(nearest, max(abs(a.low), abs(a.high)))


def smallest(items: list[Integer]) -> Integer:
    """The range of `min(...)`."""
    return Integer(min(i.low for i in items), min(i.high for i in items))


def largest(items: list[Integer]) -> Integer:
    """The range of `max(...)`."""
    return Integer(max(i.low for i in items), max(i.high for i in items))


def bit_length(a: Integer) -> Integer:
    """The range of `a.bit_length()`."""
    reach = absolute(a)
    return Integer(reach.low.bit_length(), reach.high.bit_length())


def bit_count(a: Integer) -> Integer:
    """The range of `a.bit_count()`."""
    reach = absolute(a)
    return Integer(1 if reach.low > 0 else 0, reach.high.bit_length())
