"""Programs about the order of evaluation: operands, arguments, targets that write a log into memory as they are evaluated."""

from random import Random

from .source import HEAD, Program, Scope, indented, join

BASE = """

class Cell(Struct):
    value: u64
    small: u8
    next: Cell | None


class Log(Struct):
    count: u64
    words: Array[u64] = array(64)
    cells: Array[Cell] = array(4)


class Pair(Packed, bits=64):
    low: u32
    high: u32


class Both(Value):
    first: u64
    second: u64


class Refused(Failure):
    where: u64


log = static(Log)


def mark(n: u64, value: u64) -> u64:
    log.words[log.count & 63] = n
    log.count = (log.count + 1) & MASK64
    return value


def yes(n: u64, answer: bool) -> bool:
    return mark(n, 1) == 1 and answer


def cell(n: u64, index: u64) -> Cell:
    mark(n, 0)
    return log.cells[index]


def fail(n: u64, value: u64) -> u64:
    if mark(n, value) & 7 == 3:
        raise Refused(n)
    return value


def small(a: u8, b: u64, c: u16) -> u64:
    return ((a << 40) ^ (b << 8) ^ c) & MASK64


def three(a: u64, b: u64, c: u64 = 5) -> u64:
    return (a + 3 * b + 7 * c) & MASK64
"""


def generate(seed: int, count: int = 6) -> Program:
    """`count` functions; each statement is full of marks."""
    rng = Random(f"order {seed}")
    names = [f"f{i}" for i in range(count)]
    return Program(HEAD + BASE + "".join(_Function(rng).text(name) for name in names), names)


class _Function:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.scope = Scope(rng)
        self.marks = 0

    def text(self, name: str) -> str:
        lines = ["x: u64 = 1", "total: u64 = 0"]
        for _ in range(self.rng.randrange(2, 7)):
            statement = getattr(self, f"_{self.rng.choice(STATEMENTS)}")()
            lines += (
                ["try:", *indented(statement), "except Refused as refused:", "    total = refused.where"]
                if (self.scope.chance(40))
                else statement
            )
        lines.append(f"return {self._value(2)}, total ^ x")
        return join([f"\n\ndef {name}(a: u64, b: u64, c: u8) -> tuple[u64, u64]:", *indented(lines)])

    def _next(self) -> int:
        self.marks += 1
        return self.marks

    def _value(self, depth: int) -> str:
        """A word, evaluated with marks."""
        n = self._next()
        if depth <= 0 or self.scope.chance(25):
            leaf = self.rng.choice(["a", "b", "c", "x", "log.count", "3", "300", "log.words[2]"])
            return f"{self.rng.choice(['mark', 'mark', 'fail'])}({n}, {leaf})"
        one, two = self._value(depth - 1), self._value(depth - 1)
        return self.rng.choice(
            [
                f"(({one} + {two}) & MASK64)",
                f"(({one} - {two}) & MASK64)",
                f"({one} // ({two} | 1))",
                f"({one} + {two})",
                f"three({one}, {two})",
                f"three(c={one}, a={two}, b={self._value(0)})",
                f"three({one}, c={two}, b=mark({n}, 1))",
                f"small({one} & 0x1ff, {two}, {self._value(0)} & 0x1ffff)",
                f"({one} if {self._truth(depth - 1)} else {two})",
                f"cell({n}, {one} & 3).value",
                f"log.words[{one} & 63]",
                f"min({one}, {two})",
                f"Pair(high={one} & 0x1ffffffff, low={two} & 0xffffffff).bits",
                f"Both(second={one}, first={two}).first",
                f"({one}, {two})[0]",
                f"mark({n}, {one})",
            ]
        )

    def _truth(self, depth: int) -> str:
        n = self._next()
        if depth <= 0:
            return f"yes({n}, {self.rng.choice(['a > b', 'True', 'c == 3', 'x < 5'])})"
        one, two = self._value(depth - 1), self._value(depth - 1)
        return self.rng.choice(
            [
                f"({one} < {two})",
                f"({one} <= {two} < {self._value(0)})",
                f"({self._truth(depth - 1)} and {self._truth(depth - 1)})",
                f"({self._truth(depth - 1)} or {self._truth(depth - 1)} or {self._truth(0)})",
                f"(not {self._truth(depth - 1)})",
                f"(cell({n}, {one} & 3) is cell({n}, {two} & 3))",
            ]
        )

    def _assign(self) -> list[str]:
        return [f"x = {self._value(2)}"]

    def _field(self) -> list[str]:
        return [f"cell({self._next()}, {self._value(0)} & 3).value = {self._value(1)}"]

    def _small(self) -> list[str]:
        return [f"cell({self._next()}, {self._value(0)} & 3).small = {self._value(1)} & 0x1ff"]

    def _grow(self) -> list[str]:
        return [f"cell({self._next()}, {self._value(0)} & 3).value += {self._value(1)}"]

    def _element(self) -> list[str]:
        return [f"log.words[{self._value(1)} & 0x7f] = {self._value(1)}"]

    def _grow_element(self) -> list[str]:
        return [f"log.words[{self._value(0)} & 63] ^= {self._value(1)}"]

    def _unpack(self) -> list[str]:
        return [f"x, total = {self._value(1)}, {self._value(1)}"]

    def _branch(self) -> list[str]:
        return [f"if {self._truth(2)}:", *indented(self._assign()), "else:", *indented(self._field())]

    def _link(self) -> list[str]:
        return [f"cell({self._next()}, 1).next = cell({self._next()}, {self._value(0)} & 3)"]

    def _follow(self) -> list[str]:
        name = f"t{self._next()}"
        return [f"{name} = cell({self._next()}, {self._value(0)} & 3).next", f"if {name} is not None:",
                f"    {name}.value = {self._value(1)}"]  # fmt: skip

    def _raise(self) -> list[str]:
        return [f"if {self._truth(1)}:", f"    raise Refused({self._value(1)})"]

    def _loop(self) -> list[str]:
        name = f"i{self._next()}"
        return [f"for {name} in range({self._value(0)} & 1, {self._value(0)} & 3):", *indented(self._field())]


STATEMENTS = [
    "assign", "field", "small", "grow", "element", "grow_element", "unpack", "branch", "link", "follow", "raise", "loop",
]  # fmt: skip
