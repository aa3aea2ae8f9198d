"""Programs of control flow: branches, bounded loops, break, continue, early return, match, assignments in conditions, calls."""

from random import Random

from .source import HEAD, SIZED, Number, Program, Scope, indented, join, parameters

COLOURS = """

class Colour(IntEnum):
    RED = 0
    GREEN = 1
    BLUE = 5
"""


def generate(seed: int, count: int = 4) -> Program:
    """`count` functions; each may call those before it."""
    rng = Random(f"flow {seed}")
    names = [f"f{i}" for i in range(count)]
    earlier: list[tuple[str, list[str]]] = []
    text = HEAD + COLOURS
    for name in names:
        text += _Function(rng, name, earlier).text()
    return Program(text, names)


class _Function:
    """Writes one function. Locals are annotated and set at the top; loops burn fuel, so every run ends."""

    def __init__(self, rng: Random, name: str, earlier: list[tuple[str, list[str]]]) -> None:
        self.rng, self.name, self.earlier = rng, name, earlier
        self.parameters = parameters(rng, rng.randrange(1, 4))
        self.locals = {f"v{i}": rng.choice(["u8", "u16", "u32", "i32", "u64", "i64"]) for i in range(3)}
        self.scope = Scope(rng, {n: SIZED[t] for n, t in self.parameters.items()})
        self.scope.flags = ["k is Colour.GREEN", "k == Colour.BLUE", "k is not Colour.RED"]
        self.scope.atoms = [Number("int(k)", 0, 5), *(self._called(n, kinds) for n, kinds in earlier[-2:])]
        self.loops = 0
        self.counter = 0

    def _called(self, name: str, kinds: list[str]) -> Number:
        arguments = [
            self._cut(Scope(self.rng, dict(self.scope.variables)).number(1).text, kind) for kind in kinds
        ]
        return Number(f"{name}({', '.join([*arguments, 'Colour.BLUE'])})", *SIZED["u32"])

    def _cut(self, text: str, kind: str) -> str:
        low, high = SIZED[kind]
        return f"({text} & {high:#x})" if low == 0 else f"(({text} & {high - low:#x}) - {-low:#x})"

    def text(self) -> str:
        lines = [f"{n}: {t} = {self._cut(self.scope.number(1).text, t)}" for n, t in self.locals.items()]
        self.scope.variables |= {n: SIZED[t] for n, t in self.locals.items()}
        lines.append("fuel: u8 = 20")
        lines += self._block(3)
        lines.append(f"return {self._cut(self._mixed(), 'u32')}")
        passed = ", ".join(f"{n}: {t}" for n, t in self.parameters.items())
        self.earlier.append((self.name, list(self.parameters.values())))
        return join([f"\n\ndef {self.name}({passed}, k: Colour) -> u32:", *indented(lines)])

    def _mixed(self) -> str:
        return "(" + " ^ ".join(f"({n} * {i + 3})" for i, n in enumerate(self.locals)) + ")"

    def _block(self, depth: int) -> list[str]:
        return [line for _ in range(self.rng.randrange(1, 3)) for line in self._statement(depth)]

    def _statement(self, depth: int) -> list[str]:
        kinds = ["assign", "assign", "augment"]
        if depth > 0:
            kinds += ["if", "if", "for", "while", "match", "colours", "walrus"]
        if self.loops:
            kinds += ["leave", "leave"]
        kinds += ["return"] if self.scope.chance(15) else []
        return getattr(self, f"_{self.rng.choice(kinds)}")(depth)  # type: ignore[no-any-return]

    def _assign(self, depth: int) -> list[str]:
        name = self.rng.choice(list(self.locals))
        value = self.scope.number(2).text
        return [f"{name} = {value if self.scope.chance(8) else self._cut(value, self.locals[name])}"]

    def _augment(self, depth: int) -> list[str]:
        name = self.rng.choice(list(self.locals))
        return (
            [f"{name} {self.rng.choice(['+', '-', '^', '|', '&'])}= {self.scope.leaf().text}"]
            if self.scope.chance(20)
            else [
                f"{name} //= 3",
                f"{name} = {self._cut(f'{name} + {self.scope.leaf().text}', self.locals[name])}",
            ]
        )

    def _leave(self, depth: int) -> list[str]:
        return [f"if {self.scope.condition(1)}:", f"    {self.rng.choice(['break', 'continue'])}"]

    def _return(self, depth: int) -> list[str]:
        return [f"if {self.scope.condition(1)}:", f"    return {self._cut(self._mixed(), 'u32')}"]

    def _if(self, depth: int) -> list[str]:
        lines = [f"if {self.scope.condition(2)}:", *indented(self._block(depth - 1))]
        if self.scope.chance(30):
            lines += [f"elif {self.scope.leaf().text if self.scope.chance(30) else self.scope.condition(1)}:"]
            lines += indented(self._block(depth - 1))
        if self.scope.chance(60):
            lines += ["else:", *indented(self._block(depth - 1))]
        return lines

    def _walrus(self, depth: int) -> list[str]:
        self.counter += 1
        name = f"w{self.counter}"
        test = f"if ({name} := {self._cut(self.scope.number(2).text, 'u16')}) {self.rng.choice(['<', '>='])} 1000:"
        target = self.rng.choice(list(self.locals))
        return [test, f"    {target} = {self._cut(f'{name} * 7 + {target}', self.locals[target])}"]

    def _for(self, depth: int) -> list[str]:
        self.counter += 1
        name, stop = f"i{self.counter}", f"({self.scope.number(1).text} & 7)"
        bounds = self.rng.choice(
            [
                stop,
                f"2, {stop}",
                f"{stop}, 12, 3",
                f"9, {stop}, -2",
                f"({self.scope.leaf().text} & 3) - 2, {stop}",
            ]
        )
        target = self.rng.choice(list(self.locals))
        use = f"{target} = {self._cut(f'{target} * 3 + {name}', self.locals[target])}"
        return [f"for {name} in range({bounds}):", *indented([use, *self._inside(depth)])]

    def _inside(self, depth: int) -> list[str]:
        self.loops += 1
        lines = self._block(depth - 1)
        self.loops -= 1
        return lines

    def _while(self, depth: int) -> list[str]:
        test = f"while fuel > 0 and {self.scope.condition(1)}:"
        return [test, *indented(["fuel -= 1", *self._inside(depth)])]

    def _match(self, depth: int) -> list[str]:
        values = self.rng.sample([0, 1, 2, 3, 4, 5, 6, 7], 4)
        guard = f" if {self.scope.condition(1)}" if self.scope.chance(50) else ""
        return [
            f"match {self.scope.number(1).text} & 7:",
            f"    case {values[0]}:", *indented(indented(self._block(depth - 1))),
            f"    case {values[1]} | {values[2]}{guard}:", *indented(indented(self._block(depth - 1))),
            f"    case {values[2]} | {values[3]}:", *indented(indented(self._block(depth - 1))),
            "    case _:", *indented(indented(self._block(depth - 1))),
        ]  # fmt: skip

    def _colours(self, depth: int) -> list[str]:
        guard = f" if {self.scope.condition(1)}" if self.scope.chance(50) else ""
        return [
            "match k:",
            f"    case Colour.RED{guard}:", *indented(indented(self._block(depth - 1))),
            "    case Colour.BLUE:", *indented(indented(self._block(depth - 1))),
            "    case Colour.GREEN | Colour.RED:", *indented(indented(self._block(depth - 1))),
        ]  # fmt: skip
