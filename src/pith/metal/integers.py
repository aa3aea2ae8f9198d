"""Sized integers: names for ranges of Python's own integers.

To CPython and mypy each name is `int`. To the compiler it is a range: `u8` is 0..255, `i64` is
-2**63..2**63-1. Arithmetic is exact, whatever the operands' names; a value is compared with a range where
it is stored under one: a field, an annotated local, a parameter, a result. There, CPython (with checked
import, see `pith.metal.checked`) and the metal stop at the same line if the value does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

MASK64: Final = (1 << 64) - 1
MASK32: Final = (1 << 32) - 1


@dataclass(frozen=True)
class Range:
    """The integers `low`..`high`, both included."""

    low: int
    high: int


def unsigned(bits: int) -> Range:
    """The range of an unsigned integer of `bits` bits."""
    return Range(0, (1 << bits) - 1)


def signed(bits: int) -> Range:
    """The range of a two's-complement integer of `bits` bits."""
    return Range(-(1 << bits - 1), (1 << bits - 1) - 1)


u1: TypeAlias = Annotated[int, unsigned(1)]
u2: TypeAlias = Annotated[int, unsigned(2)]
u3: TypeAlias = Annotated[int, unsigned(3)]
u4: TypeAlias = Annotated[int, unsigned(4)]
u5: TypeAlias = Annotated[int, unsigned(5)]
u6: TypeAlias = Annotated[int, unsigned(6)]
u7: TypeAlias = Annotated[int, unsigned(7)]
u8: TypeAlias = Annotated[int, unsigned(8)]
u9: TypeAlias = Annotated[int, unsigned(9)]
u10: TypeAlias = Annotated[int, unsigned(10)]
u11: TypeAlias = Annotated[int, unsigned(11)]
u12: TypeAlias = Annotated[int, unsigned(12)]
u13: TypeAlias = Annotated[int, unsigned(13)]
u14: TypeAlias = Annotated[int, unsigned(14)]
u15: TypeAlias = Annotated[int, unsigned(15)]
u16: TypeAlias = Annotated[int, unsigned(16)]
u17: TypeAlias = Annotated[int, unsigned(17)]
u18: TypeAlias = Annotated[int, unsigned(18)]
u19: TypeAlias = Annotated[int, unsigned(19)]
u20: TypeAlias = Annotated[int, unsigned(20)]
u21: TypeAlias = Annotated[int, unsigned(21)]
u22: TypeAlias = Annotated[int, unsigned(22)]
u23: TypeAlias = Annotated[int, unsigned(23)]
u24: TypeAlias = Annotated[int, unsigned(24)]
u25: TypeAlias = Annotated[int, unsigned(25)]
u26: TypeAlias = Annotated[int, unsigned(26)]
u27: TypeAlias = Annotated[int, unsigned(27)]
u28: TypeAlias = Annotated[int, unsigned(28)]
u29: TypeAlias = Annotated[int, unsigned(29)]
u30: TypeAlias = Annotated[int, unsigned(30)]
u31: TypeAlias = Annotated[int, unsigned(31)]
u32: TypeAlias = Annotated[int, unsigned(32)]
u33: TypeAlias = Annotated[int, unsigned(33)]
u34: TypeAlias = Annotated[int, unsigned(34)]
u35: TypeAlias = Annotated[int, unsigned(35)]
u36: TypeAlias = Annotated[int, unsigned(36)]
u37: TypeAlias = Annotated[int, unsigned(37)]
u38: TypeAlias = Annotated[int, unsigned(38)]
u39: TypeAlias = Annotated[int, unsigned(39)]
u40: TypeAlias = Annotated[int, unsigned(40)]
u41: TypeAlias = Annotated[int, unsigned(41)]
u42: TypeAlias = Annotated[int, unsigned(42)]
u43: TypeAlias = Annotated[int, unsigned(43)]
u44: TypeAlias = Annotated[int, unsigned(44)]
u45: TypeAlias = Annotated[int, unsigned(45)]
u46: TypeAlias = Annotated[int, unsigned(46)]
u47: TypeAlias = Annotated[int, unsigned(47)]
u48: TypeAlias = Annotated[int, unsigned(48)]
u49: TypeAlias = Annotated[int, unsigned(49)]
u50: TypeAlias = Annotated[int, unsigned(50)]
u51: TypeAlias = Annotated[int, unsigned(51)]
u52: TypeAlias = Annotated[int, unsigned(52)]
u53: TypeAlias = Annotated[int, unsigned(53)]
u54: TypeAlias = Annotated[int, unsigned(54)]
u55: TypeAlias = Annotated[int, unsigned(55)]
u56: TypeAlias = Annotated[int, unsigned(56)]
u57: TypeAlias = Annotated[int, unsigned(57)]
u58: TypeAlias = Annotated[int, unsigned(58)]
u59: TypeAlias = Annotated[int, unsigned(59)]
u60: TypeAlias = Annotated[int, unsigned(60)]
u61: TypeAlias = Annotated[int, unsigned(61)]
u62: TypeAlias = Annotated[int, unsigned(62)]
u63: TypeAlias = Annotated[int, unsigned(63)]
u64: TypeAlias = Annotated[int, unsigned(64)]
i8: TypeAlias = Annotated[int, signed(8)]
i16: TypeAlias = Annotated[int, signed(16)]
i32: TypeAlias = Annotated[int, signed(32)]
i64: TypeAlias = Annotated[int, signed(64)]
