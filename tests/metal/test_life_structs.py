"""Structs under CPython: layout, fields, references, statics, generic structs."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from pith.metal import (
    Array,
    Inline,
    Packed,
    Struct,
    array,
    field,
    i8,
    i16,
    memory,
    size_of,
    static,
    u3,
    u8,
    u16,
    u32,
    u64,
)
from pith.metal.types import Reference, TypeProblem

from .life import BASE, arena

T = TypeVar("T", bound=Struct)


class Color(IntEnum):
    RED = 0
    GREEN = 5


class Tag(Packed, bits=128):
    low: u64
    high: u64


class Small(Struct):
    a: u8
    b: u32
    c: u8


class Everything(Struct, size=128):
    LIMIT: ClassVar[int] = 7
    byte: u8
    signed: i8
    half: i16
    flag: bool
    color: Color
    narrow: u3
    word: u64
    next: Everything | None
    other: Small
    inner: Inline[Small]
    tag: Tag
    words: Array[u16] = array(3)
    late: u32 = field(offset=104)


class Queue(Struct, Generic[T]):
    head: T | None
    count: u64


class Owner(Struct):
    queue: Inline[Queue[Small]]


@pytest.fixture(autouse=True)
def buffer() -> Iterator[bytearray]:
    with arena() as made:
        yield made


def test_fields_lie_in_order_at_their_alignment() -> None:
    assert {n: f.offset for n, f in Small.layout().fields.items()} == {"a": 0, "b": 4, "c": 8}
    assert (size_of(Small), Small.layout().alignment) == (12, 4)
    offsets = {n: f.offset for n, f in Everything.layout().fields.items()}
    assert offsets == {
        "byte": 0, "signed": 1, "half": 2, "flag": 4, "color": 5, "narrow": 6, "word": 8, "next": 16, "other": 24,
        "inner": 32, "tag": 48, "words": 64, "late": 104,
    }  # fmt: skip
    assert size_of(Everything) == 128


@pytest.mark.parametrize(
    "name, value, raw",
    [
        ("byte", 200, b"\xc8"),
        ("signed", -2, b"\xfe"),
        ("half", -3, b"\xfd\xff"),
        ("flag", True, b"\x01"),
        ("color", Color.GREEN, b"\x05"),
        ("narrow", 7, b"\x07"),
        ("word", 0x0102030405060708, bytes([8, 7, 6, 5, 4, 3, 2, 1])),
        ("tag", Tag(1, 2), bytes([1, *[0] * 7, 2, *[0] * 7])),
        ("late", 9, b"\x09\0\0\0"),
    ],
)
def test_a_field_reads_what_was_stored(buffer: bytearray, name: str, value: Any, raw: bytes) -> None:
    thing = Everything.at(BASE + 256)
    setattr(thing, name, value)
    assert getattr(thing, name) == value and type(getattr(thing, name)) is type(value)
    start = 256 + Everything.layout().fields[name].offset
    assert buffer[start : start + len(raw)] == raw
    assert sum(buffer) == sum(raw)


@pytest.mark.parametrize(
    "name, value", [("byte", 256), ("signed", 128), ("half", -32769), ("narrow", 8), ("word", -1)]
)
def test_what_does_not_fit_is_refused(buffer: bytearray, name: str, value: int) -> None:
    with pytest.raises(OverflowError, match=name):
        setattr(Everything.at(BASE), name, value)
    assert not any(buffer)


def test_memory_that_holds_more_than_a_field_may_is_refused(buffer: bytearray) -> None:
    buffer[6], buffer[5] = 8, 3
    thing = Everything.at(BASE)
    with pytest.raises(OverflowError):
        _ = thing.narrow
    with pytest.raises(ValueError):
        _ = thing.color


def test_references_are_addresses() -> None:
    a, b = Everything.at(BASE), Everything.at(BASE + 128)
    assert a is Everything.at(BASE) and a is not b
    assert a.next is None
    a.next = b
    assert a.next is b and memory.view_u64[2] == BASE + 128
    a.next = None
    assert memory.view_u64[2] == 0
    a.other = Small.at(BASE + 512)
    assert a.other.address == BASE + 512
    assert Everything.maybe_at(0) is None


def test_a_reference_that_was_never_set_is_refused() -> None:
    with pytest.raises(MemoryError):
        _ = Everything.at(BASE).other


def test_an_embedded_struct_is_part_of_its_owner() -> None:
    thing = Everything.at(BASE)
    thing.inner.b = 77
    assert thing.inner.address == BASE + 32 and memory.view_u32[(32 + 4) // 4] == 77
    with pytest.raises(TypeError, match="embedded"):
        thing.inner = Small.at(BASE + 512)


@pytest.mark.parametrize("address", [BASE - 128, BASE + (1 << 14), BASE + (1 << 14) - 64, BASE + 4, 0])
def test_outside_memory_or_misaligned(address: int) -> None:
    with pytest.raises(MemoryError):
        Everything.at(address)


def test_statics_are_laid_out_when_memory_is_attached() -> None:
    memory.buffer = None
    first, second = static(Small), static(Everything)
    assert repr(first) == "<Small without memory yet>"
    end = memory.attach(bytearray(1024), BASE, BASE + 256)
    assert (first.address, second.address, end) == (BASE + 256, BASE + 272, BASE + 400)
    second.word = 5
    assert Everything.at(second.address) is second and second.word == 5
    with pytest.raises(RuntimeError, match="after memory was attached"):
        static(Small)


def test_statics_that_do_not_fit() -> None:
    memory.buffer = None
    static(Everything)
    with pytest.raises(ValueError, match="128 bytes"):
        memory.attach(bytearray(64), BASE)


def test_another_arena_is_seen_at_once() -> None:
    thing = Everything.at(BASE)
    thing.byte = 3
    memory.attach(bytearray(1024), BASE)
    assert Everything.at(BASE).byte == 0


def test_generic_structs_are_classes_for_each_choice() -> None:
    made: Any = Queue[Small]
    assert made is Queue[Small] and made is not Queue[Everything]
    assert made.layout().fields["head"].type == Reference(Small, nullable=True)
    owner = Owner.at(BASE)
    owner.queue.head = Small.at(BASE + 512)
    assert owner.queue.head is Small.at(BASE + 512) and type(owner.queue) is made
    assert made.at(BASE).head is Small.at(BASE + 512)


def test_show_names_every_field() -> None:
    thing = Everything.at(BASE)
    thing.word = 255
    lines = thing.show().splitlines()
    assert "word = 0xff" in lines and "next = None" in lines
    assert [line for line in lines if line.startswith("other")] == [
        "other = <address 0x0 (+12) is outside memory 0x80000000..0x80004000>"
    ]
    assert repr(thing) == "<Everything at 0x80000000>"


def test_layouts_that_cannot_be() -> None:
    class Late(Struct):
        a: u64
        b: u64 = field(offset=4)

    class Tight(Struct, size=8):
        a: u64
        b: u64

    for cls, reason in [(Late, "offset 4"), (Tight, "take 16 bytes")]:
        with pytest.raises(TypeProblem, match=reason):
            cls.layout()


@pytest.mark.parametrize("name", ["address", "layout", "at", "show"])
def test_a_field_may_not_hide_what_every_struct_has(name: str) -> None:
    hiding = type("Hiding", (Struct,), {"__annotations__": {name: u64}, "__module__": __name__})
    with pytest.raises(TypeProblem, match=f"field `{name}` of Hiding hides"):
        hiding.layout()
