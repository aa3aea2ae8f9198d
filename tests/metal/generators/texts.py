"""Programs that write text: f-strings of numbers, with signs and without, in every format, into memory."""

from random import Random

from .source import HEAD, Program, indented, join

BASE = """

class Written(Struct):
    count: u64
    text: Array[u8] = array(1024)


written = static(Written)


def put_byte(byte: u8) -> None:
    written.text[written.count & 1023] = byte
    written.count = (written.count + 1) & 1023


def put_number(value: u64, base: u8, width: u8, prefix: bool) -> None:
    if prefix:
        put("0x")
    power: u64 = 1
    digits: u8 = 1
    while digits < width and digits < 20:
        digits += 1
        power *= base
    while value // power >= base:
        power *= base
    while power > 0:
        digit: u8 = value // power % base
        put_byte(ord("0") + digit if digit < 10 else ord("a") + digit - 10)
        power = power // base


@text_sink(number=put_number)
def put(text: str) -> None:
    for index in range(len(text)):
        put_byte(ord(text[index]))
"""
NUMBERS = [
    "a",
    "b",
    "c",
    "d",
    "a + b",
    "b - d",
    "-c",
    "-b",
    "-7",
    "0",
    "a & 255",
    "c // 3",
    "abs(b)",
    "-a // 4",
]
FORMATS = ["", ":d", ":x", ":#x", ":04d", ":012d", ":03x", ":#06x", ":#012x", ":01d"]


def generate(seed: int, count: int = 6) -> Program:
    """`count` functions of numbers of several types, each with a few f-strings."""
    rng = Random(f"texts {seed}")
    names = [f"f{i}" for i in range(count)]
    return Program(HEAD + BASE + "".join(_function(rng, name) for name in names), names)


def _function(rng: Random, name: str) -> str:
    lines = []
    for _ in range(rng.randrange(1, 4)):
        parts = [f"{{{rng.choice(NUMBERS)}{rng.choice(FORMATS)}}}" for _ in range(rng.randrange(1, 4))]
        lines.append(f'put(f"{rng.choice(["", "at ", "- "])}{" ".join(parts)}")')
    return join([f"\n\ndef {name}(a: u32, b: i8, c: i64, d: i32) -> None:", *indented(lines)])
