"""Calling compiled code from CPython: arguments to 64-bit words, and words to results, failures and panics.

Both ways of running compiled code in a CPython process use it: `jit.py` on the host's own processor, and an emulated
riscv64. They supply memory to read; `lowering._wrapper` is the other end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import types
from ..accessors import decoder
from ..arrays import view_class
from ..types import Type
from . import tree
from .lowering_memory import word_count
from .lowering_types import field_types, integer_of, record_types

MASK64 = (1 << 64) - 1


class Panicked(Exception):
    """Compiled code stopped itself."""

    def __init__(self, reason: str, file: str, line: int, value: int) -> None:
        super().__init__(f"{file}:{line}: {reason} ({value:#x})")
        self.reason, self.file, self.line, self.value = reason, file, line, value


def words_of(value: Any, kind: Type) -> list[int]:
    """A Python value as words. Raises OverflowError for an integer outside its type."""
    match kind:
        case types.Integer() | types.Boolean() | types.Enumeration():
            integer = integer_of(kind)
            if not integer.low <= int(value) <= integer.high:
                raise OverflowError(f"{value} is not in {integer.low}..{integer.high}")
            return _split(int(value), word_count(kind))
        case types.Reference():
            return [0 if value is None else value.address]
        case types.PackedValue() | types.PackedUnion():
            return _split(value.bits, word_count(kind))
        case types.View(_, None):
            return [value.address, value.length]
        case types.Tuple() | types.Record():
            items = value if isinstance(kind, types.Tuple) else _record_values(value)
            return [w for v, k in zip(items, record_types(kind), strict=True) for w in words_of(v, k)]
    raise TypeError(f"{kind} cannot be passed from CPython")


def _split(value: int, count: int) -> list[int]:
    return [value >> 64 * i & MASK64 for i in range(count)]


def _record_values(value: Any) -> list[Any]:
    return [getattr(value, name) for name in value.__dataclass_fields__]


def value_of(words: list[int], kind: Type) -> Any:
    """The Python value that words say; takes them from the front of the list."""
    match kind:
        case types.Tuple():
            return tuple(value_of(words, k) for k in kind.items)
        case types.Record(cls):
            return cls(*[value_of(words, k) for k in record_types(kind)])
        case types.Nothing() | types.Never():
            return None
    raw = sum(words.pop(0) << 64 * i for i in range(word_count(kind)))
    match kind:
        case types.Integer() | types.Enumeration():
            integer = integer_of(kind)
            bits = 64 * word_count(kind)
            number = raw - (1 << bits) if integer.signed and raw >> bits - 1 else raw
            return kind.cls(number) if isinstance(kind, types.Enumeration) else number
        case types.Boolean():
            return raw != 0
        case types.Reference(cls):
            return cls.maybe_at(raw)  # type: ignore[attr-defined]
        case types.PackedValue() | types.PackedUnion():
            return decoder(kind)(raw)
        case types.View(element, None):
            return view_class(element).at(raw & MASK64, raw >> 64)
    raise TypeError(f"{kind} cannot be returned to CPython")


def outcome(
    function: tree.Function,
    failures: list[type],
    number: int,
    results: list[int],
    failure_words: Callable[[int], list[int]],
) -> Any:
    """The result, or the failure raised. `failure_words(n)` reads the first n words of the failure's fields."""
    if number == 0:
        return value_of(results, function.result)
    cls: Any = failures[number - 1]
    kinds = field_types(cls)
    words = failure_words(sum(map(word_count, kinds)))
    raise cls(*[value_of(words, k) for k in kinds])


def panic_at(read: Callable[[int, int], bytes], site: int, value: int) -> Panicked:
    """The exception for a panic whose record is at `site`; `read(address, length)` reads compiled code's memory."""
    record = read(site, 40)
    file, file_length, line, reason, reason_length = (
        int.from_bytes(record[i : i + 8], "little") for i in range(0, 40, 8)
    )
    return Panicked(read(reason, reason_length).decode(), read(file, file_length).decode(), line, value)
