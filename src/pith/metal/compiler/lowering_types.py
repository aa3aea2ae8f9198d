"""How each type of the language is represented in registers.

    Integer         the smallest of 64, 128, 256 bits that holds the range
    Boolean         one bit                       Enumeration   as the integer range that holds its members
    Reference       a pointer, 0 for None         Embedded      a pointer to where it lies
    Record, Tuple   an aggregate of their items   PackedValue, PackedUnion   their bits
    View, Text      {pointer, length}; the pointer alone for a View whose type has the length

An integer's bits are read as unsigned where its range has no negative value, else as two's complement.
"""

from __future__ import annotations

import typing
from typing import Any

from .. import types
from ..types import Integer, Type, resolve
from . import ir

WIDTHS = (64, 128, 256, 512)


def fits(integer: Integer, bits: int, signed: bool) -> bool:
    """Whether every value of the range is an integer of `bits` bits."""
    if signed:
        return -(1 << bits - 1) <= integer.low and integer.high < 1 << bits - 1
    return integer.low >= 0 and integer.high < 1 << bits


def width(integer: Integer) -> int:
    """The bits that a range takes in registers."""
    return common_width(integer)


def common_width(*ranges: Integer) -> int:
    """The least width where all ranges are exact under one reading, signed or unsigned."""
    for bits in WIDTHS:
        if any(all(fits(r, bits, signed) for r in ranges) for signed in (False, True)):
            return bits
    raise OverflowError(f"no representation holds {', '.join(f'{r.low}..{r.high}' for r in ranges)}")


def integer_of(kind: Type) -> Integer:
    """The integers that a value of an integer, boolean or enumeration type may be."""
    match kind:
        case Integer():
            return kind
        case types.Boolean():
            return Integer(0, 1)
        case types.Enumeration():
            return kind.storage
    raise TypeError(f"{kind} is not an integer")


def element_size(kind: Type) -> int:
    """Bytes of an element in a row: its size in memory; of text, which constant tables hold, pointer and length."""
    return 16 if isinstance(kind, types.Text) else kind.size


def record_types(kind: types.Record | types.Tuple) -> list[Type]:
    """The types of a record's or tuple's items."""
    return list(kind.items) if isinstance(kind, types.Tuple) else field_types(kind.cls)


def field_types(cls: Any) -> list[Type]:
    """The types of the fields of a Value or Failure class."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return [resolve(hints[name]) for name in cls.__dataclass_fields__]


def kind_of(kind: Type) -> ir.Kind | None:
    """A type's representation; None for Nothing and Never."""
    match kind:
        case Integer() | types.Enumeration():
            return ir.Int(width(integer_of(kind)))
        case types.Boolean():
            return ir.FLAG
        case types.Reference() | types.Embedded():
            return ir.POINTER
        case types.PackedValue() | types.PackedUnion():
            return ir.Int(kind.bits)
        case types.View(_, None) | types.Text():
            return ir.TEXT
        case types.View():
            return ir.POINTER
        case types.Record() | types.Tuple():
            return ir.Aggregate(tuple(value_kind(t) for t in record_types(kind)))
        case types.Nothing() | types.Never():
            return None
    raise TypeError(f"{kind} has no representation")


def value_kind(kind: Type) -> ir.Kind:
    """A type's representation, where there must be one (None as a value is a null pointer)."""
    return kind_of(kind) or ir.POINTER
