"""Types as the reader compares, joins and names them.

`describe` is how a message names a type; `join` is the type of a place where values of two types meet.
"""

from __future__ import annotations

from functools import cache
from typing import Any, get_type_hints

from ... import integers
from ...integers import Range
from ...types import (
    Boolean,
    Embedded,
    Enumeration,
    Integer,
    Never,
    Nothing,
    PackedUnion,
    PackedValue,
    Record,
    Reference,
    Text,
    Tuple,
    Type,
    View,
    resolve,
)
from . import ranges

BOOLEAN, NOTHING, NEVER, TEXT = Boolean(), Nothing(), Never(), Text()
WORD = Integer(0, (1 << 64) - 1)


def _sized_names() -> dict[Integer, str]:
    names = {}
    for name, alias in vars(integers).items():
        for mark in getattr(alias, "__metadata__", ()):
            if isinstance(mark, Range):
                names[Integer(mark.low, mark.high)] = name
    return names


SIZED_NAMES = _sized_names()
_STORED = ("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64")
STORED = {name: kind for kind, name in SIZED_NAMES.items() if name in _STORED}


def describe(kind: Type) -> str:
    """The type as a message names it: as one would write it in an annotation, where there is a way."""
    match kind:
        case Integer(low, high):
            return SIZED_NAMES.get(kind) or (
                f"the integer {low}" if low == high else f"an integer {low}..{high}"
            )
        case Boolean():
            return "bool"
        case Enumeration(cls) | PackedValue(cls) | Record(cls) | Embedded(cls):
            return cls.__name__
        case Reference(cls, nullable):
            return f"{cls.__name__} | None" if nullable else cls.__name__
        case PackedUnion(variants):
            names = [v.__name__ for v in variants]
            return (
                " | ".join(names)
                if len(names) <= 4
                else f"{' | '.join(names[:3])} | ... ({len(names)} classes)"
            )
        case Tuple(items):
            return f"tuple[{', '.join(describe(i) for i in items)}]"
        case View(element, _):
            return f"Array[{describe(element)}]"
        case Text():
            return "str"
        case Nothing():
            return "None"
    return "Never"


def union_of(variants: list[type]) -> Type:
    """The packed union of these classes, each once; one class alone is itself."""
    distinct = list(dict.fromkeys(variants))
    return PackedValue(distinct[0]) if len(distinct) == 1 else PackedUnion(tuple(distinct))


def variants_of(kind: Type) -> tuple[type, ...]:
    """The packed classes that a value of this type may be of; none for other types."""
    if isinstance(kind, PackedUnion):
        return kind.variants
    return (kind.cls,) if isinstance(kind, PackedValue) else ()


def unite(a: tuple[type, ...], b: tuple[type, ...]) -> Type | None:
    """The union of two sets of packed classes; None where they cannot stand in one."""
    if set(a) == set(b):
        return union_of(list(a))
    classes: list[Any] = [*a, *(v for v in b if v not in a)]
    shapes = {(c.__bits__, c.__tag_bits__) for c in classes}
    tags = {c.__tag__ for c in classes}
    if len(shapes) > 1 or None in tags or len(tags) < len(classes):
        return None
    return union_of(classes)


def join(a: Type, b: Type) -> Type | None:
    """The type of a place that holds a value of type `a` or of type `b`; None where there is none."""
    if a == b or isinstance(b, Never):
        return a
    if isinstance(a, Never):
        return b
    match a, b:
        case Integer(), Integer():
            return ranges.hull(a, b)
        case Reference(cls, nullable), Reference(other, also) if cls is other:
            return Reference(cls, nullable or also)
        case Nothing(), Reference(cls):
            return Reference(cls, nullable=True)
        case Reference(cls), Nothing():
            return Reference(cls, nullable=True)
        case View(element), View(other_element) if element == other_element:
            return View(element)
        case Tuple(items), Tuple(others) if len(items) == len(others):
            joined = [join(x, y) for x, y in zip(items, others, strict=True)]
            return None if None in joined else Tuple(tuple(j for j in joined if j is not None))
        case PackedValue() | PackedUnion(), PackedValue() | PackedUnion():
            return unite(variants_of(a), variants_of(b))
    return None


def same(a: Type, b: Type) -> bool:
    """Equality, with the classes of a union in any order."""
    if isinstance(a, PackedUnion) and isinstance(b, PackedUnion):
        return set(a.variants) == set(b.variants)
    return a == b


def next_sized(kind: Integer) -> Integer:
    """The smallest type of 8, 16, 32 or 64 bits that holds the range; the range itself beyond."""
    return next((s for s in STORED.values() if s.low <= kind.low and kind.high <= s.high), kind)


@cache
def record_items(cls: type) -> tuple[tuple[str, Type], ...]:
    """A Value or Failure class's fields, in order. Raises TypeProblem for a field without meaning."""
    hints = get_type_hints(cls, include_extras=True)
    fields = cls.__dataclass_fields__  # type: ignore[attr-defined]
    return tuple((name, resolve(hints[name])) for name in fields)
