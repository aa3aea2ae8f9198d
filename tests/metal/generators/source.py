"""What the generators write with: lines of source, and random expressions whose ranges are known.

An expression is text with the range of its values, followed by interval arithmetic as the compiler does it, only to keep within
256 bits and to know which amounts a shift may have. Everything is drawn from one `Random`, so a seed is a program.
"""

from dataclasses import dataclass, field
from random import Random

HEAD = """from __future__ import annotations

from enum import IntEnum

from pith.metal import *
from pith.metal.integers import *
"""

SIZED = {
    **{f"u{n}": (0, (1 << n) - 1) for n in (1, 5, 8, 13, 16, 32, 47, 64)},
    **{f"i{n}": (-(1 << n - 1), (1 << n - 1) - 1) for n in (8, 16, 32, 64)},
}
INTERESTING = [
    0,
    1,
    2,
    3,
    7,
    8,
    63,
    64,
    127,
    128,
    255,
    256,
    1000,
    65535,
    1 << 31,
    (1 << 32) - 1,
    (1 << 63) - 1,
    (1 << 64) - 1,
]
LIMIT = 1 << 150


@dataclass
class Number:
    """An integer expression."""

    text: str
    low: int
    high: int


@dataclass
class Program:
    """A module's source, and the functions to try."""

    text: str
    functions: list[str]


@dataclass
class Scope:
    """Random expressions over the variables in scope. `atoms`: more ways to make a number (calls, fields)."""

    rng: Random
    variables: dict[str, tuple[int, int]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    atoms: list[Number] = field(default_factory=list)

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def constant(self) -> Number:
        value = self.rng.choice(INTERESTING) if self.chance(50) else self.rng.randrange(100)
        if self.chance(20):
            return Number(f"(-{value})", -value, -value)
        return Number(str(value), value, value)

    def leaf(self) -> Number:
        if self.atoms and self.chance(45):
            return self.rng.choice(self.atoms)
        if self.variables and self.chance(75):
            name = self.rng.choice(list(self.variables))
            return Number(name, *self.variables[name])
        return self.constant()

    def number(self, depth: int) -> Number:
        """A random integer expression, at most `depth` operators deep."""
        if depth <= 0:
            return self.leaf()
        made = self._operation(depth)
        if max(abs(made.low), abs(made.high)) > LIMIT:
            mask = self.rng.choice(["MASK64", "MASK32", "0xff"])
            return Number(f"({made.text} & {mask})", 0, (1 << 64) - 1)
        return made

    def _operation(self, depth: int) -> Number:
        kind = self.rng.choice(
            [
                "+",
                "-",
                "*",
                "+",
                "-",
                "//",
                "%",
                "&",
                "|",
                "^",
                "<<",
                ">>",
                "mask",
                "unary",
                "call",
                "choice",
                "flag",
            ]
        )
        left = self.number(depth - 1)
        if kind in ("<<", ">>"):
            return self._shift(kind, left)
        if kind == "mask":
            bits = self.rng.choice([1, 8, 31, 32, 63, 64])
            return Number(f"({left.text} & {(1 << bits) - 1:#x})", 0, (1 << bits) - 1)
        if kind == "unary":
            return self._unary(left)
        if kind == "flag":
            return Number(f"int({self.condition(depth - 1)})", 0, 1)
        right = self.number(depth - 1)
        low, high = min(left.low, right.low), max(left.high, right.high)
        if kind == "choice":
            return Number(f"({left.text} if {self.condition(depth - 1)} else {right.text})", low, high)
        if kind == "call":
            name = self.rng.choice(["min", "max"])
            return Number(f"{name}({left.text}, {right.text})", low, high)
        if kind in ("//", "%") and self.chance(80):  # else nearly every run would only divide by zero
            right = Number(f"({right.text} | 1)", *interval("|", right, Number("1", 1, 1)))
        return Number(f"({left.text} {kind} {right.text})", *interval(kind, left, right))

    def _shift(self, kind: str, left: Number) -> Number:
        most = self.rng.choice([1, 7, 31, 63] if kind == "<<" else [1, 7, 63, 127, 255])
        amount = str(self.rng.randrange(most + 1)) if self.chance(40) else f"({self.number(1).text} & {most})"
        if kind == ">>":
            return Number(f"({left.text} >> {amount})", min(left.low, 0, left.low), max(left.high, 0))
        return Number(f"({left.text} << {amount})", min(left.low << most, 0), max(left.high << most, 0))

    def _unary(self, value: Number) -> Number:
        most = max(abs(value.low), abs(value.high))
        match self.rng.randrange(5):
            case 0:
                return Number(f"(-{value.text})", -value.high, -value.low)
            case 1:
                return Number(f"(~{value.text})", ~value.high, ~value.low)
            case 2:
                return Number(f"abs({value.text})", 0, most)
            case 3:
                return Number(f"({value.text}).bit_length()", 0, most.bit_length())
            case _:
                return Number(f"({value.text}).bit_count()", 0, most.bit_length())

    def condition(self, depth: int) -> str:
        """A random boolean expression."""
        kind = self.rng.randrange(8 if depth > 0 else 3)
        if kind == 0 and self.flags:
            return self.rng.choice(self.flags)
        left, right = self.number(depth - 1).text, self.number(depth - 1).text
        operator = self.rng.choice(["==", "!=", "<", "<=", ">", ">="])
        match kind:
            case 3:
                return f"({left} {operator} {right} {self.rng.choice(['<', '>='])} {self.number(0).text})"
            case 4:
                return f"({self.condition(depth - 1)} and {self.condition(depth - 1)})"
            case 5:
                return f"({self.condition(depth - 1)} or {self.condition(depth - 1)})"
            case 6:
                return f"(not {self.condition(depth - 1)})"
            case 7:
                return f"({left} in (1, 2, 255))"
        return f"({left} {operator} {right})"


def interval(operator: str, left: Number, right: Number) -> tuple[int, int]:
    """The range of `left operator right`."""
    corners = [(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    most = max(abs(left.low), abs(left.high), 1)
    match operator:
        case "+":
            return left.low + right.low, left.high + right.high
        case "-":
            return left.low - right.high, left.high - right.low
        case "*":
            products = [a * b for a, b in corners]
            return min(products), max(products)
        case "//":
            return -most, most
        case "%":
            return -max(abs(right.low), 1), max(abs(right.high), 1)
    bits = max(abs(v).bit_length() for v in (left.low, left.high, right.low, right.high))
    return (-(1 << bits) if min(left.low, right.low) < 0 else 0), (1 << bits) - 1


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines] or ["    pass"]


def parameters(rng: Random, count: int) -> dict[str, str]:
    """Random integer parameters: name and type."""
    return {name: rng.choice(list(SIZED)) for name in "abcdef"[:count]}


def join(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
