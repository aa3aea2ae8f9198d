"""Programs on views of memory and on text: indexing, parts, loops, lengths, elements that are structs, bytes of text."""

from random import Random

from .source import HEAD, Number, Program, Scope, indented, join

BASE = """

class Item(Struct):
    key: u32
    weight: i16
    next: Item | None


class Table(Struct):
    items: Array[Item] = array(5)
    bytes: Array[u8] = array(16)


table = static(Table)


def measure(text: str, index: u64) -> u64:
    return len(text) * 1000 + ord(text[index])


def first_of(words: Array[u64]) -> u64:
    return words[0]


def sum_of(words: Array[u16]) -> u64:
    total: u64 = 0
    for word in words:
        total += word
    return total
"""


def generate(seed: int, count: int = 6) -> Program:
    """`count` functions over views of words, halves, bytes and structs."""
    rng = Random(f"views {seed}")
    names = [f"f{i}" for i in range(count)]
    return Program(HEAD + BASE + "".join(_function(rng, name) for name in names), names)


def _function(rng: Random, name: str) -> str:
    scope = Scope(rng, {"a": (0, (1 << 64) - 1), "b": (-128, 127), "x": (0, (1 << 64) - 1)})
    index = _index(scope)
    scope.atoms = [
        Number("len(words)", 0, 100), Number("len(items)", 0, 100), Number(f"words[{index}]", 0, (1 << 64) - 1),
        Number(f"bytes[{_index(scope)}]", 0, 255), Number(f"items[{_index(scope)}].weight", -(1 << 15), (1 << 15) - 1),
        Number("len(table.items)", 5, 5), Number("(words.address & 7)", 0, 7), Number("sum_of(halves)", 0, 1 << 40),
        Number(f"measure({rng.choice(TEXTS)}, {_index(scope)})", 0, 1 << 50), Number(f"len({rng.choice(TEXTS)})", 0, 20),
    ]  # fmt: skip
    lines = ["x: u64 = 0"]
    for _ in range(rng.randrange(2, 6)):
        lines += _statement(scope)
    lines.append(f"return x, {scope.number(1).text} & MASK64")
    passed = "words: Array[u64], halves: Array[u16], bytes: Array[u8], items: Array[Item], a: u64, b: i8"
    return join([f"\n\ndef {name}({passed}) -> tuple[u64, u64]:", *indented(lines)])


TEXTS = ['"hello"', '"a"', '"Pith runs"']


def _index(scope: Scope) -> str:
    return scope.rng.choice(["0", "0", "1", "(a & 1)", "2", "(b & 1)", "a" if scope.chance(10) else "0"])


def _statement(scope: Scope) -> list[str]:
    rng = scope.rng
    word = f"{scope.number(1).text} & MASK64"
    local = f"t{rng.randrange(100000)}"
    start, length = _index(scope), _index(scope)
    return rng.choice(
        [
            [f"words[{start}] = {word}"],
            [f"halves[{start}] = {scope.number(1).text} & 0xffff"],
            [f"bytes[{start}] = {scope.number(1).text} & 0x1ff" if scope.chance(20) else f"bytes[{start}] ^= 5"],
            [f"items[{start}].key = {scope.number(1).text} & MASK32", f"table.items[1].key = items[{length}].key"],
            [f"for {local} in words:", f"    x = (x * 5 + {local}) & MASK64"],
            [f"for {local} in items:", f"    x = (x + {local}.key) & MASK64", f"    {local}.weight = b"],
            [f"{local} = words.part({start}, {length})", f"x = (len({local}) + x) & MASK64", f"for e{local} in {local}:",
             f"    x ^= e{local}"],
            [f"x = (x + sum_of(halves.part({start}, {length}))) & MASK64"],
            [f"x = (x ^ first_of(words.part({start}, {length}))) & MASK64"],
            [f"for {local} in range(len(bytes)):", f"    bytes[{local}] = {local} ^ bytes[{start}]"],
            [f"{local} = items[{start}]", f"{local}.next = {local}", f"if {local}.next is {local}:", "    x ^= 1"],
            [f"table.bytes[{start}] = bytes[{length}]"],
            [f"{local} = Array[u32].at(words.address, 3)", f"{local}[{start}] = {scope.number(1).text} & MASK32"],
            [f"{local} = Item.at(items.address)", f"x = (x + {local}.key) & MASK64"],
            [f"x = measure({rng.choice(TEXTS)} if a > 5 else {rng.choice(TEXTS)}, {start})"],
        ]
    )  # fmt: skip
