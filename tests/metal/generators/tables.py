"""Programs on constant tables: of integers of any range, bools, enum members, texts and packed values; indexed, looped over."""

from random import Random

from .source import HEAD, INTERESTING, Number, Program, Scope, indented, join

BASE = """

class Color(IntEnum):
    RED = 0
    GREEN = 5
    BLUE = 300


class Pair(Packed, bits=64):
    low: u16
    high: i32


class Log(Struct):
    words: Array[u64] = array(8)


log = static(Log)


def measure(text: str) -> u64:
    total: u64 = len(text)
    for index in range(len(text)):
        total += ord(text[index]) * (index + 1)
    return total
"""


def generate(seed: int, count: int = 6) -> Program:
    """A handful of tables, and `count` functions that look things up in them."""
    rng = Random(f"tables {seed}")
    tables = {f"TABLE_{i}": _table(rng) for i in range(6)}
    names = [f"f{i}" for i in range(count)]
    text = join(["", *(f"{name} = {items}" for name, (items, *_) in tables.items())])
    return Program(HEAD + BASE + text + "".join(_function(rng, name, tables) for name in names), names)


def _table(rng: Random) -> tuple[str, str, int, tuple[int, int]]:
    """A table's text, the kind of its items, how many there are, the range of what `_looked_up` makes of one."""
    length = rng.choice([1, 2, 3, 8, 13])
    kind = rng.choice(["number", "number", "number", "bool", "color", "text", "pair"])
    low, high = 0, 1
    match kind:
        case "number":
            numbers = [_number(rng) for _ in range(length)]
            if min(numbers) < 0:  # signed: what a word holds
                numbers = [n if n < 1 << 63 else n >> 1 for n in numbers]
            low, high = min(numbers), max(numbers)
            items = [str(n) for n in numbers]
        case "bool":
            items = [rng.choice(["True", "False"]) for _ in range(length)]
        case "color":
            items = [rng.choice(["Color.RED", "Color.GREEN", "Color.BLUE"]) for _ in range(length)]
            high = 300
        case "text":
            items = [rng.choice(['"pith"', '""', '"a longer one"', '"x"']) for _ in range(length)]
            high = 1 << 20
        case _:
            items = [f"Pair({rng.getrandbits(16)}, {rng.getrandbits(31) - (1 << 30)})" for _ in range(length)]
            low, high = -(1 << 31), 1 << 31
    return f"({', '.join(items)},)", kind, length, (low, high)


def _number(rng: Random) -> int:
    value = rng.choice(INTERESTING) if rng.random() < 0.5 else rng.randrange(1000)
    return -value if rng.random() < 0.2 and value < 1 << 63 else value


def _looked_up(kind: str, item: str) -> str:
    """An integer made of one item of a table."""
    return {
        "bool": f"int({item})",
        "color": f"int({item})",
        "text": f"measure({item})",
        "pair": f"({item}.high ^ {item}.low)",
    }.get(kind, item)


def _function(rng: Random, name: str, tables: dict[str, tuple[str, str, int, tuple[int, int]]]) -> str:
    scope = Scope(rng, {"a": (0, (1 << 64) - 1), "b": (0, 255), "x": (0, (1 << 64) - 1)})
    for table, (_, kind, length, (low, high)) in tables.items():
        scope.atoms.append(Number(_looked_up(kind, f"{table}[{_index(rng, length)}]"), low, high))
        scope.atoms.append(Number(f"len({table})", length, length))
    lines = ["x: u64 = 0"]
    for _ in range(rng.randrange(2, 6)):
        lines += _statement(scope, tables)
    lines.append(f"return x ^ ({scope.number(2).text} & MASK64)")
    return join([f"\n\ndef {name}(a: u64, b: u8, color: Color) -> u64:", *indented(lines)])


def _index(rng: Random, length: int) -> str:
    inside = [
        f"(a % {length})",
        f"(b & {length.bit_length() - 1})",
        str(rng.randrange(length)),
        "(color & 0)",
    ]
    return rng.choice([*inside, *inside, "b", "color"])


def _statement(scope: Scope, tables: dict[str, tuple[str, str, int, tuple[int, int]]]) -> list[str]:
    rng = scope.rng
    table = rng.choice(list(tables))
    _, kind, length, _ = tables[table]
    local = f"t{rng.randrange(100000)}"
    loop = [f"for {local} in {table}:", f"    x = (x * 3 + {_looked_up(kind, local)}) & MASK64"]
    choices = [
        loop,
        [*loop, f"    if x & 1 == {rng.randrange(2)}:", f"        {rng.choice(['break', 'continue'])}"],
        [f"{local} = {table}[{_index(rng, length)}]", f"x = (x + {_looked_up(kind, local)}) & MASK64"],
        [f"log.words[b & 7] = {scope.number(1).text} & MASK64"],
        [f"x = ({scope.number(2).text}) & MASK64"],
    ]
    if kind == "color":
        choices.append([f"if {table}[{_index(rng, length)}] is color:", "    x ^= 7"])
    return rng.choice(choices)
