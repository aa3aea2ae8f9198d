"""Programs of failures: raised, passed on, caught by class, raised again, with fields, inside loops and one another."""

from random import Random

from .source import HEAD, Program, Scope, indented, join

BASE = """

class Empty(Failure):
    pass


class Code(Failure):
    code: u64


class Wide(Failure):
    left: i32
    right: u64
    flag: bool


class Notes(Struct):
    count: u32
    words: Array[u32] = array(32)


notes = static(Notes)


def note(n: u32) -> None:
    notes.words[notes.count & 31] = n
    notes.count = (notes.count + 1) & MASK32
"""
CLASSES = {"Empty": [], "Code": ["code"], "Wide": ["left", "right"]}


def generate(seed: int, count: int = 6) -> Program:
    """`count` functions; each may call those before it."""
    rng = Random(f"failing {seed}")
    names = [f"f{i}" for i in range(count)]
    text = HEAD + BASE
    for position, name in enumerate(names):
        text += _Function(rng, names[:position]).text(name)
    return Program(text, names)


class _Function:
    def __init__(self, rng: Random, earlier: list[str]) -> None:
        self.rng, self.earlier = rng, earlier
        self.scope = Scope(rng, {"a": (0, (1 << 64) - 1), "b": (-(1 << 31), (1 << 31) - 1)})
        self.loops = self.handlers = self.counter = 0

    def text(self, name: str) -> str:
        lines = ["x: u64 = 0", *self._block(3), "return (x + a) & MASK64"]
        return join([f"\n\ndef {name}(a: u64, b: i32) -> u64:", *indented(lines)])

    def _block(self, depth: int) -> list[str]:
        return [line for _ in range(self.rng.randrange(1, 4)) for line in self._statement(depth)]

    def _statement(self, depth: int) -> list[str]:
        kinds = ["note", "raise", "assign"]
        kinds += ["call", "call"] if self.earlier else []
        kinds += ["try", "try", "try", "loop", "branch"] if depth > 0 else []
        kinds += ["leave"] if self.loops else []
        kinds += ["again"] if self.handlers else []
        return getattr(self, f"_{self.rng.choice(kinds)}")(depth)  # type: ignore[no-any-return]

    def _note(self, depth: int) -> list[str]:
        self.counter += 1
        return [f"note({self.counter})"]

    def _assign(self, depth: int) -> list[str]:
        return [f"x = ({self.scope.number(1).text} + x) & MASK64"]

    def _raise(self, depth: int) -> list[str]:
        word = f"{self.scope.number(1).text} & MASK64"
        number = f"({self.scope.number(1).text} & 0xffff) - 77"
        made = {
            "Empty": "Empty()",
            "Code": f"Code({word})",
            "Wide": f"Wide({number}, {word}, {self.scope.condition(1)})",
        }
        return [f"if {self.scope.condition(1)}:", f"    raise {made[self.rng.choice(list(made))]}"]

    def _call(self, depth: int) -> list[str]:
        name = self.rng.choice(self.earlier)
        number = f"({self.scope.number(1).text} & 0xff)"
        return [f"x = {name}({self.scope.number(1).text} & MASK64, {number}) ^ x"]

    def _leave(self, depth: int) -> list[str]:
        return [f"if {self.scope.condition(1)}:", f"    {self.rng.choice(['break', 'continue', 'return x'])}"]

    def _again(self, depth: int) -> list[str]:
        return [f"if {self.scope.condition(1)}:", "    raise"]

    def _branch(self, depth: int) -> list[str]:
        return [f"if {self.scope.condition(1)}:", *indented(self._block(depth - 1))]

    def _loop(self, depth: int) -> list[str]:
        self.counter += 1
        self.loops += 1
        body = self._block(depth - 1)
        self.loops -= 1
        return [f"for i{self.counter} in range({self.scope.number(1).text} & 3):", *indented(body)]

    def _try(self, depth: int) -> list[str]:
        loops, handlers = self.loops, self.handlers
        lines = ["try:", *indented(self._block(depth - 1))]
        classes = self.rng.sample(list(CLASSES), self.rng.randrange(1, 4))
        for cls in classes:
            lines += self._handler(cls, depth)
        if self.scope.chance(30):
            lines += ["else:", *indented(self._block(depth - 1))]
        self.loops, self.handlers = loops, handlers
        return lines

    def _handler(self, cls: str, depth: int) -> list[str]:
        self.counter += 1
        name = f"e{self.counter}"
        uses = [f"x = (x * 3 + {name}.{item}) & MASK64" for item in CLASSES[cls]]
        if cls == "Wide":
            uses.append(f"x = x ^ int({name}.flag)")
        self.handlers += 1
        body = self._block(depth - 1)
        self.handlers -= 1
        used = uses if self.scope.chance(80) else []
        self.rng.shuffle(used)
        return [
            f"except {cls} as {name}:" if used else f"except {cls}:",
            *indented([*used, *body, *used[:1]]),
        ]
