"""Packed values: taking fields out of bits and putting them in, as `pith.metal.packed` does for CPython.

A value is one integer of 8 to 128 bits. Fields are worked on as 64-bit words, so that a 128-bit value stays two
registers of which each field touches one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from .. import types
from ..packed import BitField
from ..types import Integer, Type
from . import ir
from .ir import POINTER, WORD, Value
from .lowering_builder import Builder
from .lowering_integers import check, in_range
from .lowering_memory import check_member
from .lowering_types import integer_of, width


def extract(b: Builder, bits: Value, item: BitField) -> Value:
    """The value of a field."""
    raw = _raw(b, bits, item)
    match item.type:
        case types.Boolean():
            return b.compare("ne", raw, b.word(0))
        case types.Enumeration(cls):
            patterns = Integer(0, (1 << item.width) - 1)
            return check_member(b, raw, patterns, item.type, f"no member of {cls.__name__}")
        case types.Reference():
            return b.cast("inttoptr", _shifted(b, raw, item.shift), POINTER)
        case Integer():
            value = _shifted(b, raw, item.shift)
            return check(b, value, item.readable, item.type, f"does not fit {item.name}")
    raise TypeError(f"{item.type} cannot be a packed field")


def _raw(b: Builder, bits: Value, item: BitField) -> Value:
    """The field's own bits as a word: sign-extended if it is signed, not yet shifted."""
    assert isinstance(bits.kind, ir.Int)
    at = item.at
    if bits.kind.bits > 64 and at + item.width > 64:  # from the upper word, or across both
        move = 64 if at >= 64 else at
        bits = b.binary("lshr", bits, ir.Literal(move, bits.kind))
        at -= move
    word = b.resize(bits, 64)
    if item.signed:
        above = 64 - at - item.width
        high = b.binary("shl", word, b.word(above)) if above else word
        return b.binary("ashr", high, b.word(64 - item.width)) if item.width < 64 else high
    if at:
        word = b.binary("lshr", word, b.word(at))
    return word if at + item.width == 64 else b.binary("and", word, b.word((1 << item.width) - 1))


def _shifted(b: Builder, word: Value, shift: int) -> Value:
    return b.binary("shl", word, b.word(shift)) if shift else word


def insert(b: Builder, item: BitField, value: Value, kind: Type, bits: int) -> Value:
    """`value` of type `kind`, checked, as bits in its place in a value of `bits` bits."""
    if isinstance(value.kind, ir.Pointer):
        word: Value = b.cast("ptrtoint", value, WORD)
    else:
        word = b.resize(_checked(b, item, value, kind), 64)
    if item.shift:
        word = b.binary("lshr", word, b.word(item.shift))
    known = integer_of(kind) if not isinstance(value.kind, ir.Pointer) else Integer(0, -1 % (1 << 64))
    if item.width < 64 and not 0 <= known.low <= known.high < 1 << item.width + item.shift:
        word = b.binary("and", word, b.word((1 << item.width) - 1))
    if bits <= 64:
        return b.resize(b.binary("shl", word, b.word(item.at)) if item.at else word, bits)
    wide = b.resize(word, bits)
    return b.binary("shl", wide, ir.Literal(item.at, ir.Int(bits))) if item.at else wide


def _checked(b: Builder, item: BitField, value: Value, kind: Type) -> Value:
    """The checks of CPython's constructor: bounds, and zeros where `shift` drops bits."""
    if isinstance(kind, types.Boolean):
        return value
    known, readable = integer_of(kind), item.readable
    own = item.type if isinstance(item.type, Integer) else readable
    low, high = max(own.low, readable.low), min(own.high, readable.high)
    reason = f"does not fit {item.name}"
    if known.low < low or high < known.high:
        b.panic_unless(in_range(b, value, known, Integer(low, high)), reason, value)
    value = b.resize(value, 64) if width(known) > 64 else value
    if item.shift:
        dropped = b.binary("and", value, ir.Literal((1 << item.shift) - 1, value.kind))
        b.panic_unless(b.compare("eq", dropped, ir.Literal(0, dropped.kind)), reason, value)
    return value


def default_value(item: BitField) -> int:
    """A field's default as an integer: None is 0."""
    default: Any = item.default
    if not (default is None or isinstance(default, bool | int | IntEnum)):
        raise TypeError(f"the default of {item.name} is not a constant")
    return int(default or 0)


def make(b: Builder, cls: Any, fields: list[tuple[BitField, Value, Type]]) -> Value:
    """A value of class `cls`; fields not given have their defaults."""
    given = {item.name for item, _, _ in fields}
    constant = cls.__tag__ or 0
    for item in cls.layout().values():
        if item.name not in given:
            constant |= (default_value(item) >> item.shift & (1 << item.width) - 1) << item.at
    return _joined(b, ir.Literal(constant, ir.Int(cls.__bits__)), fields)


def replace(b: Builder, cls: Any, value: Value, fields: list[tuple[BitField, Value, Type]]) -> Value:
    """`value` with some fields changed; bits that no field names become zero."""
    changed = {item.name for item, _, _ in fields}
    keep = (1 << cls.__tag_bits__) - 1
    for item in cls.layout().values():
        if item.name not in changed:
            keep |= ((1 << item.width) - 1) << item.at
    kept = b.binary("and", value, ir.Literal(keep, value.kind))
    return _joined(b, kept, fields)


def _joined(b: Builder, base: Value, fields: list[tuple[BitField, Value, Type]]) -> Value:
    assert isinstance(base.kind, ir.Int)
    bits = base.kind.bits
    for item, value, kind in fields:
        part = insert(b, item, value, kind, bits)
        base = part if isinstance(base, ir.Literal) and base.value == 0 else b.binary("or", base, part)
    return base


def tag_of(b: Builder, value: Value, union: types.PackedUnion) -> Value:
    """The lowest bits of a union's value, which tell its variant."""
    assert isinstance(value.kind, ir.Int)
    word = b.resize(value, min(value.kind.bits, 64))
    return b.binary("and", word, ir.Literal((1 << union.tag_bits) - 1, word.kind))


def is_variant(b: Builder, value: Value, kind: Type, variants: tuple[type, ...]) -> Value:
    """Whether a packed value is of one of these classes."""
    if isinstance(kind, types.PackedValue):
        return ir.Literal(int(issubclass(kind.cls, variants)), ir.FLAG)
    assert isinstance(kind, types.PackedUnion)
    tag = tag_of(b, value, kind)
    answer: Value = ir.Literal(0, ir.FLAG)
    for variant in variants:
        if variant in kind.variants:
            same = b.compare("eq", tag, ir.Literal(variant.__tag__, tag.kind))  # type: ignore[attr-defined]
            answer = b.binary("or", answer, same)
    return answer
