"""Values in memory, values as 64-bit words, and the checks on what memory may hold.

`load` and `store` are the compiled twins of `pith.metal.accessors`: the same widths at the same offsets. A load
checks what CPython's accessor would: that an enumeration's bits name a member, that a range narrower than its bytes
is kept. References are taken as they are: memory holds what a reference put there.
"""

from __future__ import annotations

from .. import types
from ..types import Integer, Type
from . import ir
from .ir import BYTE, POINTER, WORD, Value
from .lowering_builder import Builder
from .lowering_integers import check
from .lowering_types import kind_of, record_types, width


def load(b: Builder, pointer: Value, offset: int, kind: Type, is_constant: bool = False) -> Value:
    """The value of type `kind` at `pointer` + `offset`; what `is_constant` was checked when it was compiled."""
    match kind:
        case Integer():
            stored = _storage_range(kind)
            raw = b.load(pointer, offset, ir.Int(8 * kind.size), kind.size)
            value = b.resize(raw, width(kind), signed=kind.signed)
            if is_constant:
                return value
            return check(b, value, stored, kind, "memory holds a number outside its type")
        case types.Boolean():
            return b.compare("ne", b.load(pointer, offset, BYTE, 1), ir.Literal(0, BYTE))
        case types.Enumeration(cls):
            storage = kind.storage
            raw = b.load(pointer, offset, ir.Int(8 * storage.size), storage.size)
            value = b.resize(raw, width(storage), signed=storage.signed)
            if is_constant:
                return value
            return check_member(b, value, _storage_range(storage), kind, f"no member of {cls.__name__}")
        case types.Reference():
            return b.load(pointer, offset, POINTER, 8)
        case types.Embedded() | types.View(_, int()):
            return b.step(pointer, b.word(offset))
        case types.Text():
            return b.compose([b.load(pointer, offset, POINTER, 8), b.load(pointer, offset + 8, WORD, 8)])
        case types.PackedValue() | types.PackedUnion():
            return b.load(pointer, offset, ir.Int(kind.bits), kind.alignment)
    raise TypeError(f"{kind} cannot stand in memory")


def store(b: Builder, pointer: Value, offset: int, kind: Type, value: Value) -> None:
    """Write `value`, which fits `kind`, at `pointer` + `offset`."""
    match kind:
        case Integer() | types.Enumeration():
            b.store(pointer, offset, b.resize(value, 8 * kind.size), kind.size)
        case types.Boolean():
            b.store(pointer, offset, b.resize(value, 8), 1)
        case types.Reference() | types.PackedValue() | types.PackedUnion():
            b.store(pointer, offset, value, kind.alignment)
        case _:
            raise TypeError(f"{kind} cannot be written to memory")


def _storage_range(kind: Integer) -> Integer:
    bits = 8 * kind.size
    return Integer(-(1 << bits - 1), (1 << bits - 1) - 1) if kind.signed else Integer(0, (1 << bits) - 1)


def check_member(
    b: Builder, value: Value, kind: Integer, enumeration: types.Enumeration, reason: str
) -> Value:
    """`value`, an integer of range `kind`, as a member; panics where no member has it."""
    members = sorted({int(m) for m in enumeration.cls})
    target = Integer(members[0], members[-1])
    if len(members) == target.high - target.low + 1:
        return b.resize(check(b, value, kind, target, reason), width(enumeration.storage))
    good, bad = b.new_block("member"), b.new_block("panic")
    b.emit(ir.Switch(value, [(m, good) for m in members if kind.low <= m <= kind.high], bad))
    b.begin(bad)
    b.panic(reason, value)
    b.begin(good)
    return b.resize(value, width(enumeration.storage), signed=kind.signed)


def check_alignment(b: Builder, address: Value, alignment: int, what: str) -> None:
    if alignment > 1:
        low = b.binary("and", address, b.word(alignment - 1))
        b.panic_unless(b.compare("eq", low, b.word(0)), f"misaligned address of {what}", address)


# Words: how a value travels through the C calling convention's memory, a failure's fields, a test's wrapper.


def word_count(kind: Type) -> int:
    """64-bit words that a value takes when it is written as words."""
    match kind:
        case types.Record() | types.Tuple():
            return sum(word_count(t) for t in record_types(kind))
        case types.View(_, None) | types.Text():
            return 2
        case types.PackedValue() | types.PackedUnion():
            return -(-kind.bits // 64)
        case types.Nothing() | types.Never():
            return 0
    return width(kind) // 64 if isinstance(kind, Integer) else 1


def to_words(b: Builder, value: Value | None, kind: Type) -> list[Value]:
    """`value` as 64-bit words."""
    if value is None:
        return []
    match value.kind:
        case ir.Pointer():
            return [b.cast("ptrtoint", value, WORD)]
        case ir.Int(bits) if bits <= 64:
            return [b.resize(value, 64)]
        case ir.Int(bits):
            low = [value] + [
                b.binary("lshr", value, ir.Literal(at, value.kind)) for at in range(64, bits, 64)
            ]
            return [b.resize(part, 64) for part in low]
    if isinstance(kind, types.Record | types.Tuple):
        parts = [to_words(b, b.item(value, i), t) for i, t in enumerate(record_types(kind))]
        return [word for part in parts for word in part]
    return [b.cast("ptrtoint", b.item(value, 0), WORD), b.item(value, 1)]


def from_words(b: Builder, words: list[Value], kind: Type) -> Value:
    """The value whose words these are; takes them from the front of the list."""
    if isinstance(kind, types.Record | types.Tuple):
        return b.compose([from_words(b, words, t) for t in record_types(kind)])
    shape = kind_of(kind)
    match shape:
        case ir.Aggregate():
            return b.compose([b.cast("inttoptr", words.pop(0), POINTER), words.pop(0)])
        case ir.Int(1):
            return b.compare("ne", words.pop(0), b.word(0))
        case ir.Int(bits) if bits <= 64:
            return b.resize(words.pop(0), bits)
        case ir.Int(bits):
            whole: Value = b.resize(words.pop(0), bits)
            for at in range(64, bits, 64):
                part = b.binary("shl", b.resize(words.pop(0), bits), ir.Literal(at, shape))
                whole = b.binary("or", whole, part)
            return whole
    return b.cast("inttoptr", words.pop(0), POINTER)
