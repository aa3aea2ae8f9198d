"""Packed values and unions of them under CPython."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import pytest

from pith.metal import Packed, Struct, bits, i8, memory, replace, u4, u8, u32, u40, u48, u64
from pith.metal.types import TypeProblem

from .life import BASE, arena


class Mode(IntEnum):
    OFF = 0
    ON = 1
    AUTO = 2


class Node(Struct, align=16):
    value: u64


class Word(Packed, bits=64):
    flag: bool
    mode: Mode
    small: u4 = bits(at=8, default=3)
    signed: i8 = bits(at=16, default=0)
    page: u40 = bits(at=24, width=28, shift=12, default=0)


class Ref(Packed, bits=128, tag=2, tag_bits=5):
    node: Node = bits(at=24, width=40)
    maybe: Node | None = bits(at=68, width=60, shift=4, default=None)


class Empty(Packed, bits=128, tag=0, tag_bits=5):
    """Nothing but the tag."""


class Badge(Packed, bits=128, tag=1, tag_bits=5):
    badge: u64 = bits(at=64)


Any_ = Empty | Badge | Ref


class Holder(Struct):
    word: Word
    thing: Any_


@pytest.fixture(autouse=True)
def buffer() -> Iterator[bytearray]:
    with arena() as made:
        yield made


def test_fields_lie_from_the_lowest_bit() -> None:
    assert [(f.name, f.at, f.width) for f in Word.layout().values()] == [
        ("flag", 0, 1), ("mode", 1, 2), ("small", 8, 4), ("signed", 16, 8), ("page", 24, 28),
    ]  # fmt: skip
    word = Word(True, Mode.AUTO, signed=-2, page=0x5000)
    assert word.bits == 1 | 2 << 1 | 3 << 8 | 0xFE << 16 | 5 << 24
    assert (word.flag, word.mode, word.small, word.signed, word.page) == (True, Mode.AUTO, 3, -2, 0x5000)
    assert Empty().bits == 0 and Badge(7).bits == 1 | 7 << 64


@pytest.mark.parametrize(
    "field, value", [("small", 16), ("small", -1), ("signed", 128), ("page", 1 << 40), ("page", 1)]
)
def test_what_does_not_fit_is_refused(field: str, value: int) -> None:
    with pytest.raises(OverflowError, match=f"Word.{field}"):
        Word(True, Mode.ON, **{field: value})
    with pytest.raises(OverflowError, match=f"Word.{field}"):
        replace(Word(True, Mode.ON), **{field: value})


def test_from_bits_and_back() -> None:
    raw = 0x0123_4567_89AB_CDED
    assert Word.from_bits(raw).bits == raw
    for outside in (1 << 64, -1):
        with pytest.raises(OverflowError, match="64 bits"):
            Word.from_bits(outside)


def test_equality_is_of_class_and_bits() -> None:
    assert Word(True, Mode.ON) == Word(True, Mode.ON) != Word(False, Mode.ON)
    assert hash(Word(True, Mode.ON)) == hash(Word(True, Mode.ON))
    assert Empty.from_bits(1) != Badge.from_bits(1)


def test_replace_changes_what_it_names() -> None:
    word = replace(Word(True, Mode.ON, small=9), mode=Mode.OFF, signed=5)
    assert (word.flag, word.mode, word.small, word.signed) == (True, Mode.OFF, 9, 5)
    assert replace(Badge(1), badge=2) == Badge(2)
    with pytest.raises(TypeError, match="no field colour"):
        replace(word, colour=3)


def test_replace_keeps_bits_that_mean_nothing_and_clears_those_without_name() -> None:
    word = Word.from_bits(0b110 | 1 << 60)  # mode 3 is no Mode, bit 60 no field
    assert replace(word, flag=True).bits == 0b111
    with pytest.raises(ValueError):
        _ = word.mode


def test_references_keep_their_low_bits_and_come_back_with_their_sign() -> None:
    window = 0xFFFF_FFC0_0000_0000
    with arena():
        memory.attach(bytearray(4096), window)
        ref = Ref(Node.at(window + 64))
        assert ref.node is Node.at(window + 64) and ref.maybe is None
        ref = replace(ref, maybe=Node.at(window + 128))
        assert ref.maybe is Node.at(window + 128)
        assert ref.bits == 2 | (window + 64 & (1 << 40) - 1) << 24 | (window + 128) >> 4 << 68


def test_a_union_in_memory_is_the_class_that_its_tag_says(buffer: bytearray) -> None:
    holder = Holder.at(BASE)
    assert holder.thing == Empty()
    for thing in (Badge(5), Ref(Node.at(BASE + 64)), Empty()):
        holder.thing = thing
        assert holder.thing == thing and type(holder.thing) is type(thing)
    buffer[8] = 9
    with pytest.raises(KeyError):
        _ = holder.thing


def test_patterns() -> None:
    def kind(thing: Any_) -> tuple[str, Any]:
        match thing:
            case Badge(0):
                return "zero", 0
            case Badge(badge=badge):
                return "badge", badge
            case Ref(node, None):
                return "ref", node
            case _:
                return "other", None

    node = Node.at(BASE)
    assert [kind(t)[0] for t in (Badge(0), Badge(3), Ref(node), Ref(node, node), Empty())] == [
        "zero", "badge", "ref", "other", "other",
    ]  # fmt: skip


def test_repr_reads_like_the_constructor() -> None:
    assert repr(Badge(7)) == "Badge(badge=7)"


def test_layouts_that_cannot_be() -> None:
    with pytest.raises(TypeProblem, match="48 bits"):

        class Odd(Packed, bits=48):
            a: u8

    with pytest.raises(TypeProblem, match="tag 8"):

        class Tagged(Packed, bits=64, tag=8, tag_bits=3):
            a: u8

    class Overlap(Packed, bits=64):
        a: u8
        b: u8 = bits(at=4)

    class Wide(Packed, bits=64):
        a: u32
        b: u48

    for cls in (Overlap, Wide):
        with pytest.raises(TypeProblem, match="`b`"):
            cls.layout()
