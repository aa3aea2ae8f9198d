"""Programs on memory: structs of random layout, embedded structs, arrays, references to overlapping objects."""

from random import Random
from types import ModuleType

from pith.metal import memory

from .source import HEAD, SIZED, Number, Program, Scope, indented, join

STORED = [
    "u8",
    "u16",
    "u32",
    "u64",
    "i8",
    "i16",
    "i32",
    "i64",
]  # ranges that fill their bytes: memory may hold anything


class _Layout:
    """One struct class: how it is written, and the paths to its numbers and references."""

    def __init__(self, rng: Random, name: str, others: list["_Layout"]) -> None:
        self.name = name
        self.numbers: list[tuple[str, str]] = []  # (path, type)
        self.arrays: list[tuple[str, str, int]] = []  # (path, element type, length)
        self.links: list[tuple[str, str]] = []  # (path, class of a nullable reference)
        self.flags: list[str] = []
        lines = []
        for position in range(rng.randrange(2, 7)):
            lines.append(self._field(rng, f"m{position}", others))
        aligned = rng.choice(["", "", ", align=16", ", align=32"])
        self.text = join([f"\n\nclass {name}(Struct{aligned}):", *indented(lines)])

    def _field(self, rng: Random, name: str, others: list["_Layout"]) -> str:
        kind = rng.choice(["number", "number", "number", "array", "link", "flag", "inline"])
        if kind == "array":
            element, length = rng.choice(STORED), rng.randrange(1, 5)
            self.arrays.append((name, element, length))
            return f"{name}: Array[{element}] = array({length})"
        if kind == "link":
            target = rng.choice([self.name, *(o.name for o in others)])
            self.links.append((name, target))
            return f"{name}: {target} | None"
        if kind == "flag":
            self.flags.append(name)
            return f"{name}: bool"
        if kind == "inline" and others:
            inner = rng.choice(others)
            self.numbers += [(f"{name}.{path}", t) for path, t in inner.numbers]
            self.arrays += [(f"{name}.{path}", t, n) for path, t, n in inner.arrays]
            self.links += [(f"{name}.{path}", c) for path, c in inner.links]
            return f"{name}: Inline[{inner.name}]"
        stored = rng.choice(STORED)
        self.numbers.append((name, stored))
        return f"{name}: {stored}"


def generate(seed: int, count: int = 5) -> Program:
    """`count` functions over three struct classes."""
    rng = Random(f"layout {seed}")
    layouts: list[_Layout] = []
    for name in ("A", "B", "C"):
        layouts.append(_Layout(rng, name, layouts))
    names = [f"f{i}" for i in range(count)]
    text = HEAD + "".join(each.text for each in layouts) + "\n\nstate = static(C)\n"
    return Program(text + "".join(_function(rng, name, layouts) for name in names), names)


def prepare(module: ModuleType, objects: int, rng: Random) -> None:
    """Memory that holds zeros, aligned addresses of objects, and anything."""
    for at in range(objects - memory.base >> 3, memory.size - 64 >> 3):
        kind = rng.randrange(8)
        memory.view_u64[at] = (
            rng.getrandbits(64) if kind == 0 else objects + 64 * rng.randrange(8) if kind < 3 else kind & 1
        )


def _function(rng: Random, name: str, layouts: list[_Layout]) -> str:
    references = {n: rng.choice(layouts) for n in ("p", "q", "r")} | {"state": layouts[2]}
    scope = Scope(rng, {"a": SIZED["u64"], "b": SIZED["i32"]})
    for owner, layout in references.items():
        scope.atoms += [Number(f"{owner}.{path}", *SIZED[t]) for path, t in layout.numbers]
        scope.atoms += [
            Number(f"{owner}.{path}[{rng.randrange(n)}]", *SIZED[t]) for path, t, n in layout.arrays
        ]
        scope.flags += [f"{owner}.{path}" for path in layout.flags]
    lines = [line for _ in range(rng.randrange(3, 9)) for line in _statement(rng, scope, references)]
    results = [f"({scope.number(1).text} & MASK64)" for _ in range(2)]
    lines.append(f"return {', '.join(results)}")
    passed = ", ".join(f"{n}: {references[n].name}" for n in ("p", "q", "r"))
    return join([f"\n\ndef {name}({passed}, a: u64, b: i32) -> tuple[u64, u64]:", *indented(lines)])


def _statement(rng: Random, scope: Scope, references: dict[str, _Layout]) -> list[str]:
    owner = rng.choice(list(references))
    layout = references[owner]
    kind = rng.choice(["number", "number", "number", "array", "array", "link", "flag", "follow", "loop"])
    if kind == "number" and layout.numbers:
        path, stored = rng.choice(layout.numbers)
        return [f"{owner}.{path} = {_cut(scope, stored)}"]
    if kind in ("array", "loop") and layout.arrays:
        path, stored, length = rng.choice(layout.arrays)
        if kind == "array":
            index = str(rng.randrange(length)) if scope.chance(60) else f"({scope.number(1).text} & 3)"
            return [f"{owner}.{path}[{index}] = {_cut(scope, stored)}"]
        name = f"e{rng.randrange(1000)}"
        value = f"({name} ^ {scope.leaf().text}) & MASK64"
        return [f"for {name} in {owner}.{path}:", f"    a = {value}"]
    if kind == "flag" and layout.flags:
        return [f"{owner}.{rng.choice(layout.flags)} = {scope.condition(1)}"]
    if layout.links:
        path, target = rng.choice(layout.links)
        same = [n for n, other in references.items() if other.name == target]
        if kind == "link" and same:
            return [f"{owner}.{path} = {rng.choice([*same, 'None'])}"]
        local = f"t{rng.randrange(10000)}"
        found = next((r for r in references.values() if r.name == target), None)
        if found and found.numbers:
            inner, stored = rng.choice(found.numbers)
            body = f"    {local}.{inner} = {_cut(scope, stored)}"
            return [f"{local} = {owner}.{path}", f"if {local} is not None:", body]
    if layout.numbers:
        path, _ = rng.choice(layout.numbers)
        return [
            f"if {owner}.address == state.address or {scope.condition(1)}:",
            f"    a = {owner}.{path} & MASK64",
        ]
    return []


def _cut(scope: Scope, kind: str) -> str:
    low, high = SIZED[kind]
    text = scope.number(2).text
    if scope.chance(5):
        return text
    return f"({text} & {high:#x})" if low == 0 else f"(({text} & {high - low:#x}) - {-low:#x})"
