"""The types of metal Python: what an annotation means to both lives.

An annotation is resolved once, to one of the descriptors below; the CPython life generates field accessors
from it (`accessors.py`), the compiler generates code from it, so the two cannot disagree about a layout.

    Integer(low, high)      u8, i64, a literal, any range in between     `bool` is Boolean
    Enumeration(cls)        an IntEnum
    Reference(cls, nullable) a struct, by address; `T | None` is nullable
    PackedValue(cls)        a bit-field class            PackedUnion(variants)  `A | B | C` of those
    Record(cls)             a `Value` class, or a caught `Failure`      Tuple(items)
    View(element, length)   `Array[T]`: memory holding elements; length None when only known at run time
    Embedded(cls)           `Inline[T]`: a struct by value, inside another
    Text                    `str`: constant text          Nothing               `None`
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, TypeVar

from .integers import Range

T = TypeVar("T")


class InlineMarker:
    """Marks, in `Inline[T]`, a struct embedded by value."""


Inline = Annotated[T, InlineMarker()]


class Type:
    """A resolved type. `size` and `alignment`: bytes it takes in memory (0: it cannot be stored)."""

    size: int = 0
    alignment: int = 1


@dataclass(frozen=True)
class Integer(Type):
    """The exact integers low..high."""

    low: int
    high: int

    @property
    def signed(self) -> bool:
        return self.low < 0

    @property
    def bits(self) -> int:
        """Bits of the smallest two's-complement (if signed) or unsigned representation."""
        return max(self.high.bit_length(), (~self.low).bit_length() if self.low < 0 else 0) + (self.low < 0)

    @property
    def size(self) -> int:  # type: ignore[override]
        return next((s for s in (1, 2, 4, 8) if self.bits <= 8 * s), 0)

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return self.size or 1


@dataclass(frozen=True)
class Boolean(Type):
    size = 1
    alignment = 1


@dataclass(frozen=True)
class Enumeration(Type):
    """An IntEnum; stored as the smallest unsigned integer that holds its members."""

    cls: type[IntEnum]

    @property
    def storage(self) -> Integer:
        return Integer(min(0, *(int(m) for m in self.cls)), max(0, *(int(m) for m in self.cls)))

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.storage.size

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return self.storage.size


@dataclass(frozen=True)
class Reference(Type):
    """A struct's address; 0 is None, if nullable."""

    cls: type
    nullable: bool = False
    size = 8
    alignment = 8


@dataclass(frozen=True)
class Embedded(Type):
    """A struct by value."""

    cls: type

    @property
    def size(self) -> int:  # type: ignore[override]
        return int(self.cls.layout().size)  # type: ignore[attr-defined]

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return int(self.cls.layout().alignment)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class PackedValue(Type):
    """A bit-field class of 8 to 128 bits."""

    cls: type

    @property
    def bits(self) -> int:
        return int(self.cls.__bits__)  # type: ignore[attr-defined]

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.bits // 8

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return min(8, self.size)


@dataclass(frozen=True)
class PackedUnion(Type):
    """One of several packed classes of equal width, told apart by the tag in their lowest bits."""

    variants: tuple[type, ...]

    @property
    def bits(self) -> int:
        return int(self.variants[0].__bits__)  # type: ignore[attr-defined]

    @property
    def tag_bits(self) -> int:
        return int(self.variants[0].__tag_bits__)  # type: ignore[attr-defined]

    @property
    def size(self) -> int:  # type: ignore[override]
        return self.bits // 8

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return min(8, self.size)


@dataclass(frozen=True)
class Record(Type):
    """An immutable `Value` class; lives in registers."""

    cls: type


@dataclass(frozen=True)
class Tuple(Type):
    items: tuple[Type, ...]


@dataclass(frozen=True)
class View(Type):
    """`length` elements in a row in memory (None: known at run time only)."""

    element: Type
    length: int | None = None

    @property
    def size(self) -> int:  # type: ignore[override]
        return (self.length or 0) * self.element.size

    @property
    def alignment(self) -> int:  # type: ignore[override]
        return self.element.alignment


@dataclass(frozen=True)
class Text(Type):
    """Constant text: address and length of its UTF-8 bytes."""


@dataclass(frozen=True)
class Nothing(Type):
    """The type of None, and of functions that return nothing."""


@dataclass(frozen=True)
class Never(Type):
    """The result of a function that does not return."""


class TypeProblem(Exception):
    """An annotation that has no meaning on the metal. `reason` and `remedy` are sentences for the user."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


def resolve(annotation: Any, bindings: dict[Any, Any] | None = None) -> Type:
    """The type that an evaluated annotation names; `bindings` gives concrete types to type variables.

    Raises TypeProblem for what the metal has no representation of.
    """
    bindings = bindings or {}
    if isinstance(annotation, TypeVar):
        if annotation in bindings:
            return resolve(bindings[annotation], bindings)
        raise TypeProblem(
            f"the type variable {annotation} is not bound here", "use it on a specialised class"
        )
    if isinstance(annotation, Type):
        return annotation
    if annotation is None or annotation is type(None):
        return Nothing()
    if annotation is bool:
        return Boolean()
    if annotation is str:
        return Text()
    if annotation in (typing.NoReturn, typing.Never):
        return Never()
    if annotation is int:
        raise TypeProblem("`int` has no size on the metal", "write u64, i64 or another sized integer")
    return _resolve_composite(annotation, bindings)


def _resolve_composite(annotation: Any, bindings: dict[Any, Any]) -> Type:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        inner, *marks = typing.get_args(annotation)
        for mark in marks:
            if isinstance(mark, Range):
                return Integer(mark.low, mark.high)
            if isinstance(mark, InlineMarker):
                target = resolve(inner, bindings)
                if not isinstance(target, Reference) or target.nullable:
                    raise TypeProblem("only a struct can be embedded", "write Inline[SomeStruct]")
                return Embedded(target.cls)
        return resolve(inner, bindings)
    if origin in (typing.Union, types.UnionType):
        return _resolve_union(typing.get_args(annotation), bindings)
    if origin is tuple:
        return Tuple(tuple(resolve(item, bindings) for item in typing.get_args(annotation)))
    if isinstance(annotation, type):
        kind = getattr(annotation, "__metal_kind__", None)
        if kind == "struct":
            return Reference(annotation)
        if kind == "packed":
            return PackedValue(annotation)
        if kind in ("value", "failure"):
            return Record(annotation)
        if kind == "array":
            if not hasattr(annotation, "__element__"):
                raise TypeProblem("an Array needs the type of its elements", "write Array[u64]")
            return View(resolve(annotation.__element__, bindings))
        if issubclass(annotation, IntEnum):
            return Enumeration(annotation)
    if origin is not None and getattr(origin, "__metal_kind__", None) == "array":
        element = resolve(typing.get_args(annotation)[0], bindings)
        embedded = isinstance(element, Reference) and not element.nullable
        return View(Embedded(element.cls) if embedded else element)  # type: ignore[attr-defined]
    if origin is not None and getattr(origin, "__metal_kind__", None) == "struct":
        return Reference(origin.specialise(tuple(bindings.get(a, a) for a in typing.get_args(annotation))))
    raise TypeProblem(
        f"`{getattr(annotation, '__name__', annotation)}` is not a metal type",
        "use sized integers, bool, IntEnum, Struct, Packed, Value, Array[...] or tuples of those",
    )


def _resolve_union(arguments: tuple[Any, ...], bindings: dict[Any, Any]) -> Type:
    members = [resolve(a, bindings) for a in arguments if a is not type(None)]
    if len(members) < len(arguments):
        if len(members) == 1 and isinstance(members[0], Reference):
            return Reference(members[0].cls, nullable=True)
        raise TypeProblem("only a reference to a struct may be None", "write SomeStruct | None")
    if not all(isinstance(m, PackedValue) for m in members):
        raise TypeProblem("a union is of packed classes only", "make every member a Packed class with a tag")
    variants = tuple(m.cls for m in members if isinstance(m, PackedValue))
    shapes = {(v.__bits__, v.__tag_bits__) for v in variants}  # type: ignore[attr-defined]
    tags = {v.__tag__ for v in variants}  # type: ignore[attr-defined]
    if len(shapes) > 1 or len(tags) < len(variants) or None in tags:
        raise TypeProblem(
            "the members of a union must have one width, one tag width and distinct tags",
            "declare each as class Name(Packed, bits=..., tag=..., tag_bits=...)",
        )
    return PackedUnion(variants)
