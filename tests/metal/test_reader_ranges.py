"""Ranges of arithmetic: every value that Python can give lies inside, and the ends are reached where they can be told."""

from __future__ import annotations

import operator
from collections.abc import Callable
from random import Random

import pytest

from pith.metal.compiler.reader import ranges
from pith.metal.types import Integer

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
}
EXACT = ("+", "-", "*", "//", "<<", ">>")


def _range(rng: Random, low: int, high: int) -> Integer:
    a, b = rng.randint(low, high), rng.randint(low, high)
    return Integer(min(a, b), max(a, b))


@pytest.mark.parametrize("symbol", OPERATORS)
def test_every_value_lies_inside(symbol: str) -> None:
    rng = Random(symbol)
    for _ in range(400):
        a = _range(rng, -20, 20)
        b = _range(rng, 0, 6) if symbol in ("<<", ">>") else _range(rng, -20, 20)
        values = {
            OPERATORS[symbol](x, y)
            for x in range(a.low, a.high + 1)
            for y in range(b.low, b.high + 1)
            if y or symbol not in ("//", "%")
        }
        if not values:
            continue
        found = ranges.arithmetic(symbol, a, b)
        assert found.low <= min(values) and max(values) <= found.high, (a, b, found)
        if symbol in EXACT:
            assert found == Integer(min(values), max(values)), (a, b)


@pytest.mark.parametrize(
    "name, python",
    [("negate", operator.neg), ("invert", operator.invert), ("absolute", abs), ("bit_length", int.bit_length),
     ("bit_count", int.bit_count)],
)  # fmt: skip
def test_one_operand(name: str, python: Callable[[int], int]) -> None:
    rng = Random(name)
    for _ in range(300):
        a = _range(rng, -70, 70)
        values = [python(x) for x in range(a.low, a.high + 1)]
        found: Integer = getattr(ranges, name)(a)
        assert found.low <= min(values) and max(values) <= found.high
        if name != "bit_count":
            assert found == Integer(min(values), max(values))


def test_smallest_and_largest() -> None:
    items = [Integer(-3, 5), Integer(0, 9)]
    assert ranges.smallest(items) == Integer(-3, 5)
    assert ranges.largest(items) == Integer(0, 9)


def test_masking_gives_the_mask() -> None:
    anything = Integer(-(1 << 200), 1 << 200)
    assert ranges.arithmetic("&", anything, Integer(255, 255)) == Integer(0, 255)
    assert ranges.arithmetic("%", anything, Integer(10, 10)) == Integer(0, 9)
    assert ranges.arithmetic("%", Integer(0, 5), Integer(10, 10)) == Integer(0, 5)
    assert ranges.arithmetic("|", Integer(0, 5), Integer(8, 8)) == Integer(8, 15)


def test_what_has_no_range() -> None:
    word = Integer(0, (1 << 64) - 1)
    for symbol, a, b in [("//", word, Integer(0, 0)), ("<<", word, word), (">>", word, Integer(-1, 1))]:
        with pytest.raises(ranges.NoRange):
            ranges.arithmetic(symbol, a, b)
    cube = ranges.arithmetic("*", ranges.arithmetic("*", word, word), word)
    assert ranges.arithmetic("*", cube, word).bits == 256
    with pytest.raises(ranges.NoRange, match="320 bits"):
        ranges.arithmetic("*", ranges.arithmetic("*", cube, word), word)
