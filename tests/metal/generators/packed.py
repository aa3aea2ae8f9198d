"""Programs on packed values: bit-fields made, read, replaced, compared, stored; unions told apart by match and isinstance."""

from random import Random

from .source import HEAD, Number, Program, Scope, indented, join

BASE = """

class Mode(IntEnum):
    OFF = 0
    ON = 1
    AUTO = 2


class Place(Struct, align=16):
    left: u64
    right: i32
    flag: bool
"""


class _Class:
    """One packed class: its text, its number fields with their ranges, its other fields."""

    def __init__(self, rng: Random, name: str, bits: int, tag: int | None, tag_bits: int) -> None:
        self.name, self.bits = name, bits
        self.numbers: dict[str, tuple[int, int]] = {}
        self.flags: list[str] = []
        self.others: dict[str, str] = {}  # field: "Mode" or "Place"
        self.required: list[str] = []
        self.order: list[str] = []
        at, lines = tag_bits, []
        for position in range(rng.randrange(1, 6)):
            line, width = self._field(rng, f"{name[0].lower()}{position}", at, bits)
            if line:
                lines.append(line)
                at += width
        tagged = f", tag={tag}, tag_bits={tag_bits}" if tag is not None else ""
        self.text = join([f"\n\nclass {name}(Packed, bits={bits}{tagged}):", *indented(lines)])

    def _field(self, rng: Random, name: str, at: int, bits: int) -> tuple[str, int]:
        skip = rng.choice([0, 0, 0, 3])
        place = f"at={at + skip}" if skip else ""
        left = bits - at - skip
        kind = rng.choice(["number", "number", "number", "signed", "flag", "mode", "place", "shifted"])
        widths = {
            "number": rng.choice([1, 3, 8, 12, 16, 20, 32, 47, 64]),
            "signed": rng.choice([8, 16, 32, 64]),
        }
        width = widths.get(kind, {"flag": 1, "mode": 2, "place": 44, "shifted": 8}.get(kind, 0))
        if width > left or (kind == "place" and bits < 64):
            return "", 0
        kinds = {
            "number": f"u{width}",
            "signed": f"i{width}",
            "flag": "bool",
            "mode": "Mode",
            "place": "Place | None",
        }
        options = [place] if place else []
        default = ""
        if kind == "place":
            options += ["width=44", "shift=4"]
        elif kind == "shifted":
            options += ["width=8", "shift=4"]
        elif kind in ("number", "signed") and width < min(left, 64) and rng.random() < 0.2:
            width += 1  # a bit more than the type has use for
            options.append(f"width={width}")
        if kind in ("number", "flag") and rng.random() < 0.3:
            default = {"flag": "True"}.get(kind, "1")
        elif self._has_default:
            default = {"mode": "Mode.ON", "place": "None", "flag": "False"}.get(kind, "0")
        if default:
            self._has_default = True
        else:
            self.required.append(name)
        self._remember(kind, name, widths.get(kind, width))
        if options:
            options += [f"default={default}"] if default else []
            return f"{name}: {kinds.get(kind, 'u13')} = bits({', '.join(options)})", width + skip
        return f"{name}: {kinds[kind]}" + (f" = {default}" if default else ""), width + skip

    _has_default = False

    def _remember(self, kind: str, name: str, width: int) -> None:
        self.order.append(name)
        match kind:
            case "number":
                self.numbers[name] = (0, (1 << width) - 1)
            case "signed":
                self.numbers[name] = (-(1 << width - 1), (1 << width - 1) - 1)
            case "shifted":
                self.numbers[name] = (0, 0xFF0)
            case "flag":
                self.flags.append(name)
            case "mode":
                self.others[name] = "Mode"
            case "place":
                self.others[name] = "Place"

    def value(self, scope: Scope, name: str) -> str:
        """An expression for the field, mostly in range."""
        if name in self.flags:
            return scope.condition(1)
        if name in self.others:
            choices = {"Mode": ["Mode.OFF", "Mode.AUTO", "mode"], "Place": ["None", "p", "q"]}
            return scope.rng.choice(choices[self.others[name]])
        low, high = self.numbers[name]
        text = scope.number(1).text
        if scope.chance(6):
            return f"({text} & MASK64)"
        mask = high if low == 0 else high - low
        return f"({text} & {mask:#x})" if low == 0 else f"(({text} & {mask:#x}) - {-low:#x})"

    def made(self, scope: Scope) -> str:
        """A constructor call, its keywords in any order."""
        given = [n for n in self.order if n in self.required or scope.chance(50)]
        scope.rng.shuffle(given)
        return f"{self.name}({', '.join(f'{n}={self.value(scope, n)}' for n in given)})"

    def read(self, variable: str) -> list[Number]:
        numbers = [Number(f"{variable}.{n}", *r) for n, r in self.numbers.items()]
        return numbers + [Number(f"int({variable}.{n})", 0, 2) for n, t in self.others.items() if t == "Mode"]


def generate(seed: int, count: int = 5) -> Program:
    """`count` functions over a plain class and a union of three."""
    rng = Random(f"packed {seed}")
    bits = rng.choice([32, 64, 128])
    plain = _Class(rng, "Word", rng.choice([8, 16, 32, 64, 128]), None, 0)
    variants = [_Class(rng, name, bits, tag, 3) for name, tag in (("Xen", 0), ("Yak", 1), ("Zoo", 5))]
    text = HEAD + BASE + "".join(c.text for c in (plain, *variants)) + "\n\nOne = Xen | Yak | Zoo\n"
    text += "\n\nclass Keep(Struct):\n    word: Word\n    one: One\n    more: Array[Word] = array(3)\n"
    text += "\n\nkeep = static(Keep)\n"
    names = [f"f{i}" for i in range(count)]
    return Program(text + "".join(_function(rng, n, plain, variants) for n in names), names)


def _function(rng: Random, name: str, plain: _Class, variants: list[_Class]) -> str:
    scope = Scope(rng, {"a": (0, (1 << 64) - 1), "b": (-(1 << 31), (1 << 31) - 1)})
    scope.flags = ["mode is Mode.ON", "isinstance(one, Yak)", "isinstance(one, (Xen, Zoo))"]
    scope.flags += [f"word.{n}" for n in plain.flags]
    scope.atoms = [*plain.read("word"), Number("word.bits", 0, (1 << plain.bits) - 1)]
    lines = [f"word2 = {plain.made(scope)}"]
    scope.flags += ["word == word2", "word2 != word"]
    if plain.order:
        field = rng.choice(plain.order)
        lines.append(f"word3 = replace(word, {field}={plain.value(scope, field)})")
    else:
        lines.append(f"word3 = Word.from_bits({scope.number(1).text} & {(1 << plain.bits) - 1:#x})")
    lines += ["keep.more[1] = word3", "keep.word = word2", "total: u64 = 0"]
    lines += _match(scope, variants)
    made = rng.choice(variants)
    lines.append(f"result: One = {made.made(scope)} if {scope.condition(1)} else one")
    lines += ["keep.one = result", "return keep.one, keep.more[1], total"]
    passed = "word: Word, one: One, mode: Mode, p: Place, q: Place | None, a: u64, b: i32"
    return join([f"\n\ndef {name}({passed}) -> tuple[One, Word, u64]:", *indented(lines)])


def _match(scope: Scope, variants: list[_Class]) -> list[str]:
    """A match on the union: class patterns with and without sub-patterns, a guard, all variants covered."""
    lines = ["match one:"]
    for variant in scope.rng.sample(variants, 3):
        inner = Scope(scope.rng, dict(scope.variables), list(scope.flags), list(scope.atoms))
        if variant.numbers and scope.chance(50):
            name = scope.rng.choice(list(variant.numbers))
            low, high = variant.numbers[name]
            wanted = scope.rng.choice([v for v in (0, 1, 0x10) if low <= v <= high])
            lines += [f"    case {variant.name}({name}={wanted}):", f"        total = {wanted} + 7"]
        patterns = []
        for position, name in enumerate(variant.order):
            if name in variant.numbers and scope.chance(60):
                patterns.append(f"{name}=n{position}")
                inner.variables[f"n{position}"] = variant.numbers[name]
        inner.atoms += variant.read("it")
        head = f"    case {variant.name}({', '.join(patterns)}) as it"
        if scope.chance(40):
            lines += [f"{head} if {inner.condition(1)}:", f"        total = {inner.number(2).text} & MASK64"]
        lines += [f"{head}:", f"        total = {inner.number(2).text} & MASK64"]
    return lines
