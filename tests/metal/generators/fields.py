"""Programs that test fields for None and for their class, and use them, with stores and calls that end what the tests said."""

from random import Random
from types import ModuleType

from pith.metal import memory

from .source import HEAD, Number, Program, Scope, indented, join

BASE = """

class Empty(Packed, bits=64, tag=0, tag_bits=1):
    size: u16


class Full(Packed, bits=64, tag=1, tag_bits=1):
    mark: u8
    node: Node | None = bits(at=16, width=48, default=None)


class Inner(Struct):
    node: Node | None
    value: u64


class Node(Struct):
    next: Node | None
    value: u64
    inner: Inline[Inner]
    what: Empty | Full


class Root(Struct):
    head: Node | None
    value: u64


root = static(Root)


def weigh(node: Node) -> u64:
    return node.value & 0xffff


def unhook(node: Node) -> u64:
    node.next = None
    root.head = node
    return node.value & 0xff
"""


def prepare(module: ModuleType, objects: int, rng: Random) -> None:
    """Nodes all over the arena, most of whose references name another; what is no reference ends in the same bits."""
    size = module.Node.layout().size
    places = range(objects, memory.base + memory.size - size, 8)
    for at in range(objects - memory.base >> 3, memory.size - size >> 3):
        memory.view_u64[at] = rng.choice(places) | (rng.random() < 0.1)  # odd: a `what` that is Full
    head = rng.choice(places) if rng.random() < 0.8 else 0
    memory.view_u64[module.root.address - memory.base >> 3] = head


PATHS = [
    "p.next",
    "p.inner.node",
    "q.next",
    "root.head",
    "p.next.next",
    "root.head.next",
    "q.inner.node.next",
]
UNIONS = ["p.what", "q.what", "p.next.what"]


def generate(seed: int, count: int = 6) -> Program:
    """`count` functions over two nodes and a root."""
    rng = Random(f"fields {seed}")
    names = [f"f{i}" for i in range(count)]
    return Program(HEAD + BASE + "".join(_function(rng, name) for name in names), names)


def _function(rng: Random, name: str) -> str:
    scope = Scope(rng, {"a": (0, (1 << 64) - 1), "x": (0, (1 << 64) - 1)})
    scope.atoms = [Number("p.value", 0, (1 << 64) - 1), Number("q.inner.value", 0, (1 << 64) - 1)]
    lines = ["x: u64 = 0"]
    for _ in range(rng.randrange(2, 6)):
        lines += _statement(scope, 3)
    lines.append("return x")
    return join([f"\n\ndef {name}(p: Node, q: Node, a: u64) -> u64:", *indented(lines)])


def _statement(scope: Scope, depth: int) -> list[str]:
    rng = scope.rng
    if depth <= 0:
        return _change(scope)
    kinds = [_guarded, _guarded, _left, _union, _matched, _loop, _combined, _change]
    return rng.choice(kinds)(scope) if depth < 3 else rng.choice(kinds[:-1])(scope)


def _use(rng: Random, path: str) -> list[str]:
    """What may be done with a field that is not None."""
    return [
        rng.choice(
            [
                f"x = (x * 3 + weigh({path})) & MASK64",
                f"x = (x + {path}.value) & MASK64",
                f"x = (x + {path}.value + {path}.inner.value) & MASK64",
            ]
        )
    ]


def _change(scope: Scope) -> list[str]:
    """A store or a call, behind which nothing is known of fields any more; or something that changes none."""
    rng = scope.rng
    return rng.choice(
        [
            [f"{rng.choice(['p', 'q'])}.next = {rng.choice(['p', 'q', 'None', 'p.inner.node'])}"],
            [f"root.head = {rng.choice(['p', 'q', 'q.next'])}"],
            [f"x ^= unhook({rng.choice(['p', 'q'])})"],
            [f"p.value = {scope.number(1).text} & MASK64"],
            [f"x = {scope.number(1).text} & MASK64"],
            ["p, q = q, p"],
            ["p = q"],
        ]
    )


def _guarded(scope: Scope) -> list[str]:
    rng, path = scope.rng, scope.rng.choice(PATHS)
    inside = _use(rng, path)
    if scope.chance(50):
        inside += _use(rng, path)
    if scope.chance(40):
        inside += _statement(scope, rng.randrange(2))
    lines = [f"if {path} is not None:", *indented(inside)]
    if scope.chance(30):
        lines += ["else:", *indented(_change(scope))]
    return lines


def _left(scope: Scope) -> list[str]:
    rng, path = scope.rng, scope.rng.choice(PATHS)
    way = rng.choice(["return x", f"return {scope.number(1).text} & MASK64", "raise_"])
    test = [f"assert {path} is not None"] if way == "raise_" else [f"if {path} is None:", f"    {way}"]
    return test + _use(rng, path)


def _combined(scope: Scope) -> list[str]:
    rng = scope.rng
    one, two = rng.sample(PATHS, 2)
    if scope.chance(50):
        return [f"if {one} is not None and {two} is not None:", *indented(_use(rng, one) + _use(rng, two))]
    return [
        f"if {one} is None or {two} is None:",
        "    x ^= 1",
        "else:",
        *indented(_use(rng, two) + _use(rng, one)),
    ]


def _union(scope: Scope) -> list[str]:
    path = scope.rng.choice(UNIONS)
    node = [f"if {path}.node is not None:", f"    x = (x + {path}.node.value) & MASK64"]
    full = [f"x = (x + {path}.mark) & MASK64", *(node if scope.chance(30) else [])]
    empty = [f"x = (x ^ {path}.size) & MASK64"]
    test = f"if isinstance({path}, Full):"
    if scope.chance(30):
        return [f"if not isinstance({path}, Empty):", *indented(full)]
    return [test, *indented(full + _change(scope)), "else:", *indented(empty)]


def _matched(scope: Scope) -> list[str]:
    rng, path = scope.rng, scope.rng.choice(UNIONS)
    cases = ["    case Full():", f"        x = (x + {path}.mark) & MASK64", "    case Empty():",
             f"        x = (x ^ {path}.size) & MASK64"]  # fmt: skip
    changed = [f"        {line}" for line in _change(scope)] if scope.chance(50) else []
    return (
        [f"match {path}:", *cases[:2], *changed, *cases[2:]]
        if rng.random() < 0.8
        else [
            f"match {path}:",
            "    case Full(mark=mark) if mark > 5:",
            f"        x = (x + {path}.mark * 2) & MASK64",
            *cases,
        ]
    )


def _loop(scope: Scope) -> list[str]:
    path = scope.rng.choice(["p.next", "root.head", "q.inner.node"])
    name = f"i{scope.rng.randrange(100000)}"
    inside = [f"if {path} is None:", "    break", *_use(scope.rng, path), *_change(scope)]
    return [f"for {name} in range(3):", *indented(inside)]
