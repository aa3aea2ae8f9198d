"""Arrays, value classes, failures, sized integers and text sinks under CPython."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from enum import IntEnum

import pytest

from pith.metal import (
    Array,
    Failure,
    Struct,
    Value,
    array,
    export,
    i16,
    memory,
    replace,
    text_sink,
    u8,
    u16,
    u64,
)
from pith.metal.arrays import view_class
from pith.metal.integers import MASK32, MASK64, signed, unsigned
from pith.metal.types import (
    Boolean,
    Embedded,
    Enumeration,
    Integer,
    Nothing,
    PackedUnion,
    Reference,
    Text,
    Tuple,
    Type,
    TypeProblem,
    View,
    resolve,
)

from .life import BASE, arena
from .test_life_packed import Any_, Badge, Word


class Color(IntEnum):
    RED = 0
    GREEN = 300


class Item(Struct):
    value: u16
    next: Item | None


class Table(Struct):
    words: Array[u64] = array(4)
    items: Array[Item] = array(3)
    links: Array[Item | None] = array(2)
    colors: Array[Color] = array(2)
    packed: Array[Word] = array(2)


@pytest.fixture(autouse=True)
def buffer() -> Iterator[bytearray]:
    with arena() as made:
        yield made


# Arrays -----------------------------------------------------------------------------------------------------------------


def test_elements_are_read_and_written(buffer: bytearray) -> None:
    table = Table.at(BASE)
    table.words[2] = 0x1122
    assert list(table.words) == [0, 0, 0x1122, 0] and len(table.words) == 4
    assert buffer[16:18] == b"\x22\x11"
    table.colors[1] = Color.GREEN
    assert table.colors[1] is Color.GREEN
    table.packed[0] = Word.from_bits(9)
    assert table.packed[0].bits == 9


def test_struct_elements_are_embedded_and_optional_ones_are_references() -> None:
    table = Table.at(BASE)
    table.items[1].value = 7
    assert table.items[1].address == table.items.address + 16 and table.items[1] is table.items[1]
    table.links[0] = table.items[1]
    assert [x and x.value for x in table.links] == [7, None]
    with pytest.raises(TypeError, match="embedded"):
        table.items[0] = table.items[1]


@pytest.mark.parametrize("index", [-1, 4, 1 << 70])
def test_an_index_outside_is_refused(index: int) -> None:
    table = Table.at(BASE)
    with pytest.raises(IndexError):
        _ = table.words[index]
    with pytest.raises(IndexError):
        table.words[index] = 1


def test_views_of_memory_elsewhere() -> None:
    words = Array[u16].at(BASE + 32, 8)
    words[1] = 513
    assert Array[u8].at(BASE + 34, 2)[1] == 2
    assert repr(words) == f"<Array[{Integer(0, 65535)}] of 8 at {BASE + 32:#x}>"
    for address, length in [(BASE + 1, 2), (BASE - 2, 1), (BASE + (1 << 14) - 2, 2)]:
        with pytest.raises(MemoryError):
            Array[u16].at(address, length)


def test_parts_share_the_memory() -> None:
    words = Table.at(BASE).words
    part = words.part(1, 2)
    part[1] = 5
    assert (words[2], len(part), part.address) == (5, 2, BASE + 8)
    assert len(words.part(4, 0)) == 0
    for start, length in [(3, 2), (-1, 1), (0, -1), (5, 0)]:
        with pytest.raises(IndexError):
            words.part(start, length)


def test_one_class_an_element_type() -> None:
    assert Array[u16] is view_class(Integer(0, 65535))
    assert Array[Item] is view_class(Embedded(Item)) is view_class(Reference(Item))
    assert Array[Item] is not view_class(Reference(Item, nullable=True))
    with pytest.raises(TypeError, match="without quotes"):
        Array["Item"]


# Values and failures ------------------------------------------------------------------------------------------------------


class Found(Value):
    place: u64
    color: Color = Color.RED


class Broken(Failure):
    place: u64
    reason: u8 = 2


def test_values_are_records() -> None:
    found = Found(3)
    assert found == Found(3, Color.RED) and hash(found) == hash(Found(3))
    assert replace(found, place=4) == Found(4)
    match found:
        case Found(place, Color.RED):
            assert place == 3
        case _:
            pytest.fail("the pattern must match")


def test_failures_are_exceptions_with_fields() -> None:
    with pytest.raises(Broken) as caught:
        raise Broken(7)
    assert (caught.value.place, caught.value.reason) == (7, 2)
    assert Broken(1) != Broken(1), "failures are told apart by what they are, not by what they hold"


def test_decorators_mark_and_change_nothing() -> None:
    def number(value: u64, base: u8, width: u8, prefix: bool) -> None:
        raise AssertionError("not called under CPython")

    @export("start")
    def start() -> int:
        return 3

    @text_sink(number=number)
    def put(text: str) -> None:
        written.append(text)

    written: list[str] = []
    put(f"at {255:#x}")
    assert written == ["at 0xff"] and start() == 3
    assert vars(start) == {"__metal_export__": "start"} and vars(put) == {"__metal_number__": number}


# Types ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "annotation, kind",
    [
        (u8, Integer(0, 255)),
        (i16, Integer(-32768, 32767)),
        (bool, Boolean()),
        (str, Text()),
        (None, Nothing()),
        (Color, Enumeration(Color)),
        (Item, Reference(Item)),
        (Item | None, Reference(Item, nullable=True)),
        (tuple[u8, bool], Tuple((Integer(0, 255), Boolean()))),
        (Array[u8], View(Integer(0, 255))),
        (Array[Item], View(Embedded(Item))),
    ],
)
def test_annotations_resolve(annotation: object, kind: Type) -> None:
    assert resolve(annotation) == kind


def test_a_union_of_packed_classes_resolves() -> None:
    kind = resolve(Any_)
    assert isinstance(kind, PackedUnion) and Badge in kind.variants and (kind.bits, kind.tag_bits) == (128, 5)


@pytest.mark.parametrize("annotation", [int, float, list[u8], u8 | None, Item | Table, bytes, Word | Badge])
def test_annotations_without_meaning(annotation: object) -> None:
    with pytest.raises(TypeProblem) as caught:
        resolve(annotation)
    assert caught.value.reason and caught.value.remedy


def test_enums_are_stored_in_the_smallest_integer() -> None:
    assert Enumeration(Color).storage == Integer(0, 300) and Enumeration(Color).size == 2


def test_ranges() -> None:
    assert (unsigned(5).high, signed(8).low, signed(8).high) == (31, -128, 127)
    assert (MASK32, MASK64) == (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
    assert [Integer(*r).bits for r in [(0, 0), (0, 1), (-1, 0), (-128, 127), (-129, 0), (0, 255), (-1, 255)]] == [
        0, 1, 1, 8, 9, 8, 9,
    ]  # fmt: skip


def test_a_host_arena_lies_where_it_says() -> None:
    memory.attach_host(4096)
    words = Array[u64].at(memory.base, 4)
    words[3] = 77
    assert ctypes.c_uint64.from_address(memory.base + 24).value == 77
