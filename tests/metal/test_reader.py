"""The reader: what becomes of each construct in the typed tree, shown as text."""

from __future__ import annotations

import linecache
import re
import sys
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest

from pith.metal import memory
from pith.metal.compiler import tree
from pith.metal.compiler.reader import CompileError, read_program, sources
from pith.metal.compiler.show_tree import show_function, show_tree

VOCABULARY = """
from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from pith.metal import *
from pith.metal.integers import *
from pith.metal.machine import csr_read, on_metal, panic


class Color(IntEnum):
    RED = 0
    GREEN = 5


class Node(Struct):
    value: u32
    next: Node | None
    color: Color
    words: Array[u64] = array(4)

    @property
    def first(self) -> u64:
        return self.words[0]

    @first.setter
    def first(self, value: u64) -> None:
        self.words[0] = value

    def add(self, by: u8, scale: u8 = 2) -> u64:
        return self.value + by * scale

    @staticmethod
    def limit() -> u64:
        return 3


class Null(Packed, bits=64, tag=0, tag_bits=3):
    pass


class Port(Packed, bits=64, tag=1, tag_bits=3):
    rights: u4
    badge: u32 = bits(at=32)


class Page(Packed, bits=64, tag=2, tag_bits=3):
    writable: bool
    badge: u32 = bits(at=32, default=9)


Cap = Null | Port | Page
PAGE: Final = Page(True, 3)
LIMITS: Final = (3, 5)


class Found(Value):
    place: u64
    color: Color = Color.RED


class Broken(Failure):
    place: u64
    reason: u8 = 2


class Gone(Failure):
    pass


root: Final = static(Node)


def next_word(x: u64) -> u64:
    return x


def pair(a: u64, b: u64) -> tuple[u64, u64]:
    return b, a


def risky(x: u64) -> u64:
    if x == 1:
        raise Broken(x)
    if x == 2:
        raise Gone
    return x


def put_number(value: u64, base: u8, width: u8, prefix: bool) -> None:
    pass


@text_sink(number=put_number)
def put(text: str) -> None:
    pass


def stop() -> NoReturn:
    panic("stopped")


"""


_TEMPORARY = re.compile(r"(?<![\w.])\d+\.(\d+)")  # shown as t1, t2...: the line is no matter here


@pytest.fixture(autouse=True)
def _own_statics() -> Iterator[None]:
    """The modules made here come and go; their statics must not stay, nor meet an arena that others attached."""
    statics, buffer = list(memory.statics), memory.buffer
    memory.buffer = None
    yield
    memory.statics[:], memory.buffer = statics, buffer
    sys.modules.pop("sample", None)


def module_of(source: str) -> ModuleType:
    """A module with the vocabulary above and this source, as if it were a file."""
    text = VOCABULARY + textwrap.dedent(source)
    linecache.cache["sample.py"] = (len(text), None, text.splitlines(True), "sample.py")
    sources.source_file.cache_clear()
    module = ModuleType("sample")
    module.__file__ = "sample.py"
    sys.modules["sample"] = module
    exec(compile(text, "sample.py", "exec"), vars(module))
    return module


def read(source: str, *names: str) -> tree.Program:
    """The program of the functions named (default: `f`)."""
    module = module_of(source)
    return read_program([getattr(module, name) for name in names or ("f",)])


def body_of(source: str) -> list[str]:
    """The lines of `f` in the tree."""
    function = read(source).functions[0]
    lines = show_function(function).splitlines()[1 + len(function.locals) - len(function.parameters) :]
    return [_TEMPORARY.sub(r"t\1", line[4:]).replace("sample.", "") for line in lines]


def locals_of(source: str) -> dict[str, str]:
    """The locals of `f` that the source names, with their types."""
    function = read(source).functions[0]
    lines = show_function(function).splitlines()[1:]
    return dict(
        line.strip().split(": ", 1)
        for line in lines[: len(function.locals) - len(function.parameters)]
        if "." not in line.split(":")[0]
    )


# Integers -------------------------------------------------------------------------------------------------------------


def test_stores_check_what_is_not_proven() -> None:
    assert body_of(
        """
        def f(a: u8, b: u8) -> u8:
            wide: u16 = a + b
            return wide & 255
        """
    ) == ["wide = u16((a + b))", "return (wide & 255)"]
    assert body_of("def f(a: u8, b: u8) -> u8:\n    return a + b") == ["return u8?((a + b))"]


def test_constants_are_computed() -> None:
    assert body_of(
        "def f() -> u64:\n    return (1 << 12) * 3 - ~0 + LIMITS[1] + len(LIMITS) + Color.GREEN"
    ) == ["return 12301"]


def test_an_unannotated_local_has_the_join_of_its_values() -> None:
    source = """
        def f(x: u8) -> u64:
            a = 3
            if x > 4:
                a = x + 10
            return a
        """
    assert locals_of(source) == {"a": "an integer 3..265"}


def test_a_chain_of_locals_settles() -> None:
    source = """
        def f(x: u8) -> u64:
            a = b = c = 0
            while x > a:
                c = b
                b = a
                a = x
            return c
        """
    assert locals_of(source) == {"a": "u8", "b": "u8", "c": "u8"}


def test_steps_outside_loops_do_not_grow() -> None:
    source = """
        def f(x: u8) -> u64:
            a = 3
            if x > 4:
                a += 1
            a += 1
            return a
        """
    assert locals_of(source) == {"a": "an integer 3..5"}


def test_a_loop_variable_has_its_last_value() -> None:
    assert (
        locals_of("def f(n: u8) -> u64:\n    for i in range(2, n + 1):\n        pass\n    return 0")["i"]
        == "an integer 2..255"
    )
    assert (
        locals_of("def f(n: u8) -> u64:\n    for i in range(n, -1, -1):\n        pass\n    return 0")["i"]
        == "u8"
    )


def test_two_loops_share_a_variable_through_a_copy() -> None:
    assert body_of(
        """
        def f(n: u8) -> None:
            for i in range(n):
                pass
            for i in range(2):
                pass
        """
    ) == ["for i in range(0, n, 1)", "for t1 in range(0, 2, 1)", "    i = an integer 0..254(t1)", "return"]


def test_enums_are_numbers_in_arithmetic() -> None:
    assert body_of("def f(c: Color) -> u64:\n    return int(c) + 1") == [
        "return u64((an integer 0..5(c) + 1))"
    ]
    assert body_of("def f(n: u8) -> Color:\n    return Color(n)") == ["return Color?(n)"]


# Narrowing ------------------------------------------------------------------------------------------------------------


def test_none_is_narrowed_as_mypy_does() -> None:
    assert body_of(
        """
        def f(node: Node | None) -> u64:
            if node is None or node.next is None:
                return 0
            return node.value
        """
    ) == [
        "if ((node is None) or ((t1 := Node(node).next) is None))",
        "    return 0",
        "return u64(Node(node).value)",
    ]


def test_a_loop_forgets_what_it_assigns() -> None:
    assert body_of(
        """
        def f(node: Node) -> u64:
            at: Node | None = node
            while at is not None:
                at = at.next
            return node.value
        """
    ) == [
        "at = Node | None(node)",
        "while (at is not None)",
        "    at = Node(at).next",
        "return u64(node.value)",
    ]


def test_a_field_is_narrowed_and_read_once() -> None:
    assert body_of(
        """
        def f(node: Node) -> u64:
            if node.next is None:
                return 0
            assert node.next.next is not None
            return node.next.value + node.next.next.value
        """
    ) == [
        "if ((t1 := node.next) is None)",
        "    return 0",
        "if ((t2 := Node(t1).next) is not None)",
        "else",
        "    panic 'assertion failed: node.next.next is not None'",
        "return u64((Node(t1).value + Node(t2).value))",
    ]


def test_a_field_of_a_static_is_narrowed() -> None:
    assert body_of(
        "def f() -> u64:\n    if root.next is not None:\n        return root.next.value\n    return 0"
    ) == ["if ((t1 := root.next) is not None)", "    return u64(Node(t1).value)", "return 0"]


@pytest.mark.parametrize(
    "change",
    [
        "node.value = 1",
        "node.words[0] = 1",
        "node.value += 1",
        "node.first = 1",
        "node.add(1)",
        "n = Node.limit()",
        "n = node.first",
        "n = csr_read('time')",
        "node = other",
        "node, other = other, node",
    ],
)
def test_a_store_a_call_and_another_root_end_what_is_known_of_a_field(change: str) -> None:
    lines = body_of(
        f"""
        def f(node: Node, other: Node) -> u64:
            n: u64 = 0
            if node.next is None:
                return n
            {change}
            return node.next.value
        """
    )
    assert lines[-1] == "return u64(Node?(node.next).value)"


@pytest.mark.parametrize("change", ["n = 1", "n = len(node.words)", "n = min(n, 3)", "n = other.value"])
def test_what_changes_no_memory_leaves_fields_narrowed(change: str) -> None:
    lines = body_of(
        f"""
        def f(node: Node, other: Node) -> u64:
            n: u64 = 0
            if node.next is None:
                return n
            {change}
            return node.next.value
        """
    )
    assert lines[-1] == "return u64(Node(t1).value)"


@pytest.mark.parametrize("ways", [("n = 1", "n = 2", True), ("n = 1", "node.value = 1", False)])
def test_a_field_stays_narrowed_where_all_ways_leave_it_so(ways: tuple[str, str, bool]) -> None:
    one, other, stays = ways
    lines = body_of(
        f"""
        def f(node: Node, a: u8) -> u64:
            n: u64 = 0
            assert node.next is not None
            if a:
                {one}
            else:
                {other}
            return node.next.value
        """
    )
    assert lines[-1] == f"return u64(Node{'(t1' if stays else '?(node.next'}).value)"


def test_a_loop_forgets_fields() -> None:
    lines = body_of(
        """
        def f(node: Node, n: u8) -> u64:
            assert node.next is not None
            for i in range(n):
                node.next.value = i
                node.next = None
            return 0
        """
    )
    assert "    Node?(node.next).value = u32(i)" in lines


def test_what_is_not_narrowed_is_checked() -> None:
    assert body_of("def f(node: Node) -> u64:\n    return node.next.value") == [
        "return u64(Node?(node.next).value)"
    ]


@pytest.mark.parametrize(
    "way_out",
    ["return 0", "raise Gone", "stop()", "panic('none')", "assert node is not None", "assert False"],
)
def test_early_exits_narrow(way_out: str) -> None:
    lines = body_of(
        f"def f(node: Node | None) -> u64:\n    if node is None:\n        {way_out}\n    return node.value"
    )
    assert lines[-1] == "return u64(Node(node).value)"


@pytest.mark.parametrize("way_on", ["continue", "break"])
def test_leaving_an_iteration_narrows(way_on: str) -> None:
    lines = body_of(
        f"""
        def f(node: Node | None, n: u8) -> u64:
            total: u64 = 0
            for i in range(n):
                if node is None:
                    {way_on}
                total = node.value
            return total
        """
    )
    assert "    total = u64(Node(node).value)" in lines


def test_a_walrus_narrows() -> None:
    assert body_of(
        "def f(node: Node) -> u64:\n    if (after := node.next) is not None:\n        return after.value\n    return 0"
    ) == ["if ((after := node.next) is not None)", "    return u64(Node(after).value)", "return 0"]


def test_isinstance_narrows_both_ways() -> None:
    assert body_of(
        """
        def f(cap: Cap) -> u64:
            if not isinstance(cap, (Port, Page)):
                return 0
            if isinstance(cap, Port):
                return cap.rights
            return int(cap.writable)
        """
    ) == [
        "if not isinstance(cap, Port | Page)",
        "    return 0",
        "if isinstance(Port | Page(cap), Port)",
        "    return u64(Port(cap).rights)",
        "return u64(u1(Page(cap).writable))",
    ]


def test_a_field_that_all_variants_share_is_read_from_the_union() -> None:
    lines = body_of(
        "def f(cap: Cap) -> u64:\n    if isinstance(cap, Null):\n        return 0\n    return cap.badge"
    )
    assert lines[-1] == "return u64(Port | Page(cap).badge)"


def test_branches_that_cannot_be_are_not_read() -> None:
    assert body_of(
        """
        def f(x: u64) -> u64:
            if TYPE_CHECKING:
                return "text"
            if not on_metal():
                return [1, 2, 3]
            return x if on_metal() and x > 3 else 1
        """
    ) == ["return (x if (x > 3) else 1)"]


# Order ------------------------------------------------------------------------------------------------------------------


def test_keywords_are_evaluated_as_written() -> None:
    assert body_of(
        "def f(n: Node) -> u64:\n    return n.add(scale=next_word(1) & 1, by=next_word(2) & 1)"
    ) == ["return Node.add(n, u8((next_word(2) & 1)), u8((next_word(1) & 1)) in order [0, 2, 1])"]


def test_augmented_assignment_evaluates_its_target_once() -> None:
    lines = body_of("def f(n: Node) -> None:\n    n.words[next_word(1) & 3] += 1")
    assert lines[:2] == ["t1 = (next_word(1) & 3)", "n.words[t1] = u64?((n.words[t1] + 1))"]


def test_the_value_comes_before_the_object() -> None:
    lines = body_of("def f(n: Node) -> None:\n    n.next.value = risky(2) & 1")
    assert lines[:2] == ["t1 = (risky(2) & 1)", "Node?(n.next).value = u32(t1)"]


def test_a_chain_evaluates_its_middle_once() -> None:
    lines = body_of("def f(x: u64) -> bool:\n    return 1 < next_word(x) < 9")
    assert lines == ["return ((1 < (t1 := next_word(x))) and (t1 < 9))"]


def test_many_targets_share_one_value() -> None:
    assert body_of("def f(n: Node, x: u64) -> None:\n    n.words[0] = n.words[1] = x") == [
        "n.words[0] = x",
        "n.words[1] = x",
        "return",
    ]


def test_a_swap_makes_a_tuple_first() -> None:
    assert body_of("def f(a: u64, b: u64) -> u64:\n    a, b = b, a\n    _, a = pair(a, b)\n    return a") == [
        "a, b = tuple[u64, u64](b, a)",
        "_, a = pair(a, b)",
        "return a",
    ]


# Matching ---------------------------------------------------------------------------------------------------------------


def test_a_match_on_a_union() -> None:
    assert body_of(
        """
        def f(cap: Cap) -> u64:
            match cap:
                case Port(rights, badge=badge) if badge > 3:
                    return badge + rights
                case Port(badge=3 | 4 as b):
                    return b
                case Page(writable=True) | Port():
                    return cap.badge
                case other:
                    return other.bits & 1
        """
    ) == [
        "match cap",
        "    case Port with rights = Port(cap).rights, badge = Port(cap).badge if (badge > 3)",
        "        return u64((badge + rights))",
        "    case Port where ((Port(cap).badge == 3) or (Port(cap).badge == 4)) with b = Port(cap).badge",
        "        return u64(b)",
        "    case Page | Port where ((isinstance(cap, Page) and Page(cap).writable) or isinstance(cap, Port))",
        "        return u64(Port | Page(cap).badge)",
        "    case _ with other = cap",
        "        return u64((other.bits & 1))",
    ]


def test_an_alternative_binds_from_the_first_that_matches() -> None:
    lines = body_of(
        "def f(cap: Cap) -> u64:\n    match cap:\n        case Port(badge=b) | Page(badge=b):\n            return b\n"
        "        case Null():\n            return 0"
    )
    assert (
        lines[1]
        == "    case Port | Page with b = (Port(cap).badge if isinstance(cap, Port) else Page(cap).badge)"
    )


def test_integers_may_fall_through() -> None:
    assert body_of(
        "def f(x: u8) -> u64:\n    match x + 1:\n        case 1 | 2:\n            return 1\n    return 0"
    )[1:] == [
        "match t1",
        "    case 1 | 2",
        "        return 1",
        "    case _",
        "return 0",
    ]


def test_none_and_references_in_patterns() -> None:
    assert body_of(
        """
        def f(node: Node) -> u64:
            match node.next:
                case None:
                    return 0
                case Node(next=None, value=value):
                    return value
                case Node() as other:
                    return other.value
        """
    ) == [
        "t1 = node.next",
        "match t1",
        "    case _ where (t1 is None)",
        "        return 0",
        "    case _ where ((t1 is not None) and (Node(t1).next is None)) with value = Node(t1).value",
        "        return u64(value)",
        "    case _ where (t1 is not None) with other = Node(t1)",
        "        return u64(other.value)",
    ]


def test_enums_bools_and_tuples_match() -> None:
    assert body_of(
        """
        def f(color: Color, flag: bool, x: u8) -> u64:
            match color:
                case Color.RED:
                    return 1
                case Color.GREEN:
                    pass
            match flag, x:
                case True, 3 | 4:
                    return 2
                case _, y if y > 100:
                    return y
            return 3
        """
    ) == [
        "match color",
        "    case RED",
        "        return 1",
        "    case GREEN",
        "t1 = tuple[bool, u8](flag, x)",
        "match t1",
        "    case _ where (t1.0 and ((t1.1 == 3) or (t1.1 == 4)))",
        "        return 2",
        "    case _ with y = t1.1 if (y > 100)",
        "        return u64(y)",
        "    case _",
        "return 3",
    ]


# Values -----------------------------------------------------------------------------------------------------------------


def test_packed_and_value_objects() -> None:
    assert body_of(
        """
        def f(x: u32, cap: Cap) -> u64:
            a: Cap = PAGE if x else Port(badge=x, rights=3)
            found = replace(Found(x), color=Color.GREEN)
            if not isinstance(cap, Null):
                cap = replace(cap, badge=4)
            return found.place + size_of(Node) + Port.from_bits(x).rights
        """
    ) == [
        "a = Null | Port | Page((Page | Port(Page(writable=True, badge=3)) if bool(x) else "
        "Page | Port(Port(badge=x, rights=3))))",
        "found = Found((t1 := Found(u64(x), Color.RED)).0, Color.GREEN)",
        "if not isinstance(cap, Null)",
        "    cap = Null | Port | Page((Port | Page(replace(Port(Port | Page(cap)), badge=4)) if "
        "isinstance(Port | Page(cap), Port) else Port | Page(replace(Page(Port | Page(cap)), badge=4))))",
        "return u64?(((found.0 + 56) + Port.from_bits(u64(x)).rights))",
    ]


def test_properties_setters_and_static_methods() -> None:
    assert body_of(
        "def f(n: Node) -> u64:\n    n.first = n.first & 3\n    n.first |= 1\n    return n.limit() + Node.limit()"
    ) == [
        "t1 = (Node.first(n) & 3)",
        "Node.first'(n, u64(t1))",
        "t2 = (Node.first(n) | 1)",
        "Node.first'(n, u64(t2))",
        "return u64?((Node.limit() + Node.limit()))",
    ]


def test_statics_have_the_symbol_of_the_module_that_makes_them() -> None:
    program = read("def f() -> u64:\n    return root.value")
    assert [symbol for symbol, _ in program.statics] == ["sample.root"]
    assert "static sample.root: Node" in show_tree(program)


def test_layouts_are_constants() -> None:
    assert body_of('def f() -> u64:\n    return Node.layout().fields["words"].offset') == ["return 24"]


def test_tests_of_membership() -> None:
    assert body_of("def f(x: u8) -> bool:\n    return x in LIMITS or x not in range(10, 20)") == [
        "return (((x == 3) or (x == 5)) or not ((x >= 10) and (x < 20)))"
    ]


# Text -------------------------------------------------------------------------------------------------------------------


def test_an_f_string_becomes_calls_after_its_parts() -> None:
    assert body_of(
        'def f(x: u64, name: str) -> None:\n    put(f"at {risky(x):#010x} {name}: {x}{x:04}")'
    ) == [
        "t1 = risky(x)",
        "put('at ')",
        "put_number(t1, 16, 8, True)",
        "put(' ')",
        "put(name)",
        "put(': ')",
        "put_number(x, 10, 0, False)",
        "put_number(x, 10, 4, False)",
        "return",
    ]


def test_a_number_that_may_be_negative_is_put_as_sign_and_magnitude() -> None:
    assert body_of('def f(x: i64) -> None:\n    put(f"{x}{x:#06x}")') == [
        "if (x < 0)",
        "    put('-')",
        "    put_number(u64(abs(x)), 10, 0, False)",
        "else",
        "    put_number(u64(abs(x)), 10, 0, False)",
        "if (x < 0)",
        "    put('-')",
        "    put_number(u64(abs(x)), 16, 3, True)",
        "else",
        "    put_number(u64(abs(x)), 16, 4, True)",
        "return",
    ]


def test_text_is_measured_and_read() -> None:
    assert body_of("def f(text: str, i: u8) -> u64:\n    return len(text) * ord(text[i]) + len('four')") == [
        "return u64?(((len(text) * ord(text[i])) + 4))"
    ]


# Failures ---------------------------------------------------------------------------------------------------------------


def failures_of(source: str) -> list[str]:
    return [cls.__name__ for cls in read(source).functions[0].failures]


def test_failures_follow_the_calls() -> None:
    assert failures_of("def f(x: u64) -> u64:\n    return risky(x)") == ["Broken", "Gone"]
    assert failures_of("def f(x: u64) -> u64:\n    return next_word(x)") == []


def test_handlers_take_failures_away() -> None:
    source = """
        def f(x: u64) -> u64:
            try:
                return risky(x)
            except Broken as failure:
                return failure.place + failure.reason
        """
    assert failures_of(source) == ["Gone"]
    assert body_of(source) == [
        "try",
        "    return risky(x)",
        "except Broken",
        "    t1 = failure[Broken].place",
        "    t2 = failure[Broken].reason",
        "    return u64?((t1 + t2))",
    ]


def test_the_base_class_takes_all_and_raise_passes_on() -> None:
    template = "def f(x: u64) -> u64:\n    try:\n        return risky(x)\n    except {}:\n        {}"
    assert failures_of(template.format("Failure", "return 0")) == []
    assert failures_of(template.format("(Gone, Broken)", "raise")) == ["Broken", "Gone"]
    assert failures_of(template.format("Gone", "raise Broken(1)")) == ["Broken"]


def test_an_else_is_outside_the_try() -> None:
    source = (
        "def f(x: u64) -> u64:\n    try:\n        y = next_word(x)\n    except Failure:\n        return 0\n"
    )
    assert failures_of(source + "    else:\n        y = risky(y)\n    return y") == ["Broken", "Gone"]


def test_a_failure_is_passed_on_as_a_value() -> None:
    assert body_of(
        """
        def place(failure: Broken) -> u64:
            return failure.place


        def f(x: u64) -> u64:
            try:
                return risky(x)
            except Broken as failure:
                return place(failure)
            except Gone:
                return 0
        """
    )[3:6] == [
        "    t1 = failure[Broken].place",
        "    t2 = failure[Broken].reason",
        "    return place(Broken(t1, t2))",
    ]


def test_failures_are_numbered_in_a_fixed_order() -> None:
    program = read("def f(x: u64) -> u64:\n    return risky(x)")
    assert [cls.__name__ for cls in program.failures] == ["Broken", "Gone"]


# Functions --------------------------------------------------------------------------------------------------------------


GENERIC = """
    T = TypeVar("T", bound=Struct)
    N = TypeVar("N")


    class Queue(Struct, Generic[T]):
        head: T | None
        count: u64

        def push(self, item: T) -> T | None:
            before = self.head
            self.head = item
            self.count += 1
            return before


    class Owner(Struct):
        nodes: Inline[Queue[Node]]


    waiting: Final = static(Queue[Node])


    def larger(a: N, b: N) -> N:
        return a if a > b else b


    def first(items: Array[N]) -> N:
        return items[0]


    def f(owner: Owner, node: Node, words: Array[u16]) -> u64:
        owner.nodes.push(node)
        after = waiting.push(node)
        Queue[Node].at(node.address).push(node)
        return larger(node.value, 3) + first(words) + (0 if after is None else after.value)
"""


def test_generics_are_specialised_by_their_arguments() -> None:
    symbols = [function.symbol for function in read(GENERIC).functions]
    assert symbols == [
        "sample.f",
        "sample.Queue.push[Node]",
        "sample.larger[u32]",
        "sample.first[u16]",
    ]


def test_exports_assembly_and_advice_are_marked() -> None:
    program = read(
        """
        @assembly(lambda: "ret")
        def low(x: u64) -> u64:
            return [x][0]


        @inline
        def small(x: u64) -> u64:
            return low(x)


        @export("start")
        def f(x: u64) -> u64:
            return small(x)
        """
    )
    start, small, low = program.functions
    assert (start.symbol, start.exported, start.inline) == ("start", True, None)
    assert (small.symbol, small.exported, small.inline) == ("sample.small", False, True)
    assert (low.assembly, low.body) == ("ret", [])


def test_a_module_stands_for_its_exports_and_main() -> None:
    module = module_of(
        """
        @export("start")
        def begin() -> None:
            pass


        def main() -> None:
            pass


        def other() -> None:
            pass
        """
    )
    assert [f.symbol for f in read_program([module]).functions] == ["start", "sample.main"]


def test_programs_are_read_once_a_function() -> None:
    program = read("def f(x: u64) -> u64:\n    return next_word(next_word(x)) + 0 * next_word(x)")
    assert [f.name for f in program.functions] == ["f", "next_word"]


def test_every_expression_knows_its_place() -> None:
    function = read("def f(x: u64) -> u64:\n    return next_word(x)").functions[0]
    returned = function.body[0]
    assert isinstance(returned, tree.Return) and isinstance(returned.value, tree.Call)
    lines = linecache.getlines("sample.py")
    place = returned.value.location
    assert lines[place.line - 1][place.column - 1 : place.end_column - 1] == "next_word(x)"


def test_long_chains_are_read() -> None:
    terms = " + ".join(["x"] * 800)
    branches = "".join(f"    elif x == {i}:\n        y = {i}\n" for i in range(250))
    read(f"def f(x: u8) -> u64:\n    y = 0\n    if x > 250:\n        y = 1\n{branches}    return {terms} + y")


def test_many_messages_in_one_run() -> None:
    with pytest.raises(CompileError) as caught:
        read("def f(x: u64) -> u64:\n    a = x / 2\n    b = a + 1\n    c = x ** 2\n    return d")
    assert [d.message.split("`")[1] for d in caught.value.diagnostics] == ["/", "**", "d"]


def test_functions_of_all_kinds_are_found_in_their_files() -> None:
    module = module_of("def f(x: u64) -> u64:\n    return x")
    functions = [f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == "sample"]
    assert {f.name for f in read_program(functions).functions} >= {"f", "risky", "put", "stop"}
