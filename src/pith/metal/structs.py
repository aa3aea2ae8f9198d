"""Structs: typed memory with exact layout, referred to by name as in Python.

    class Endpoint(Struct, size=16):
        head: Thread | None                     # a reference: 8 bytes, 0 is None
        state: EndpointState                    # an IntEnum: the smallest integer that holds it
        registers: Array[u64] = array(32)       # 32 elements, embedded
        queue: Inline[ThreadQueue]              # another struct, embedded
        tag: u64 = field(offset=96)             # at an explicit offset

A variable of struct type is a reference. Fields lie in the order written, each at its natural alignment. `T.at(address)`
is the reference to the T at `address`; there is one per address, so `is` compares addresses. Layout is
computed on first use, so that structs may name each other in any order.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from . import accessors, memory
from .types import Embedded, Type, TypeProblem, View, resolve

S = TypeVar("S", bound="Struct")


@dataclass(frozen=True)
class FieldOptions:
    """What `array(...)` or `field(...)` said beside an annotation."""

    length: int | None = None
    offset: int | None = None


def array(length: int, *, offset: int | None = None) -> Any:
    """Beside `name: Array[T]`: the field embeds `length` elements, at byte `offset` if given."""
    return FieldOptions(length=length, offset=offset)


def field(*, offset: int) -> Any:
    """Beside an annotation: the field lies at byte `offset`."""
    return FieldOptions(offset=offset)


@dataclass(frozen=True)
class Field:
    """A struct's field: its type and its byte offset."""

    name: str
    type: Type
    offset: int


@dataclass(frozen=True)
class Layout:
    """Where a struct's fields lie; size and alignment in bytes."""

    fields: dict[str, Field]
    size: int
    alignment: int


class Struct:
    """Base of every metal struct. Keywords: `size` (bytes, padded up to, checked), `align` (bytes)."""

    __metal_kind__ = "struct"
    __slots__ = ("address", "_o")
    address: int
    _o: int
    _instances: memory.Known
    _declared_size: int | None
    _declared_alignment: int
    _layout: Layout | None
    _bindings: dict[Any, Any]

    def __init_subclass__(cls, size: int | None = None, align: int = 1, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._instances = memory.interning(cls._refer)
        cls._declared_size, cls._declared_alignment = size, align
        cls._layout = None
        cls._bindings = getattr(cls, "_bindings", {})

    if not TYPE_CHECKING:

        def __class_getitem__(cls, arguments: Any) -> Any:
            """`Queue[Thread]`: the class for this choice; with a type variable in it, still open."""
            chosen = arguments if isinstance(arguments, tuple) else (arguments,)
            if any(isinstance(a, TypeVar) or getattr(a, "__parameters__", ()) for a in chosen):
                return super().__class_getitem__(arguments)
            return cls.specialise(chosen)

    @classmethod
    def specialise(cls, arguments: tuple[Any, ...]) -> type[Struct]:
        """The class for one choice of a generic struct's type arguments; the same class for the same choice."""
        known: dict[tuple[Any, ...], type[Struct]] = cls.__dict__.get("_specialised") or {}
        cls._specialised = known  # type: ignore[attr-defined]
        if arguments not in known:
            parameters = cls.__parameters__  # type: ignore[attr-defined]
            names = ", ".join(getattr(a, "__name__", str(a)) for a in arguments)
            made = type(f"{cls.__name__}[{names}]", (cls,), {"__module__": cls.__module__})
            made._bindings = dict(zip(parameters, arguments, strict=True))  # type: ignore[attr-defined]
            made.__metal_origin__ = cls  # type: ignore[attr-defined]
            known[arguments] = made
        return known[arguments]

    @classmethod
    def layout(cls) -> Layout:
        """The struct's layout, computed (and the field accessors made) on first use."""
        if cls._layout is None:
            cls._layout = _lay_out(cls)
            _install_accessors(cls, cls._layout)
        return cls._layout

    @classmethod
    def at(cls, address: int) -> Self:
        """The reference to the struct at `address`. Raises MemoryError outside memory, or misaligned."""
        return cls._instances[address]  # type: ignore[no-any-return]

    @classmethod
    def maybe_at(cls, address: int) -> Self | None:
        """Like `at`, but 0 is None."""
        return cls._instances[address] if address else None

    @classmethod
    def _refer(cls, address: int) -> Self:
        layout = cls.layout()
        instance = object.__new__(cls)
        instance._o = memory.offset_of(address, layout.size, layout.alignment)
        instance.address = address
        return instance

    def _place(self, address: int) -> int:
        """Give a static its place at the first fitting address from `address`; returns the address after it."""
        layout = self.layout()
        address = -(-address // layout.alignment) * layout.alignment
        self.address, self._o = address, address - memory.base
        type(self)._instances[address] = self
        return address + layout.size

    def __repr__(self) -> str:
        place = f"at {self.address:#x}" if hasattr(self, "address") else "without memory yet"
        return f"<{type(self).__name__} {place}>"

    def show(self) -> str:
        """Every field and its value, one a line: for the debugger."""
        return "\n".join(f"{name} = {self._shown(name)}" for name in self.layout().fields)

    def _shown(self, name: str) -> str:
        try:
            value = getattr(self, name)
        except (MemoryError, ValueError, KeyError) as problem:
            return f"<{problem}>"  # a reference not yet set, a tag of no variant
        return f"{value:#x}" if type(value) is int else repr(value)


def size_of(cls: type[Struct]) -> int:
    """Bytes that a struct of class `cls` takes."""
    return cls.layout().size


def static(cls: type[S]) -> S:
    """One zeroed instance of `cls` that exists as long as the program: a module's global state.

    Use it at module level, once per name: `kernel: Final = static(KernelState)`.
    """
    if memory.buffer is not None:
        raise RuntimeError(f"static({cls.__name__}) came after memory was attached; import the module before")
    instance = object.__new__(cls)
    memory.statics.append(instance)
    return instance


def _lay_out(cls: type[Struct]) -> Layout:
    fields: dict[str, Field] = {}
    end, alignment = 0, cls._declared_alignment
    source = getattr(cls, "__metal_origin__", cls)
    hints = typing.get_type_hints(source, include_extras=True)
    for name in inspect.get_annotations(source):
        if typing.get_origin(hints[name]) is typing.ClassVar:
            continue  # a constant of the class
        if hasattr(Struct, name):
            raise TypeProblem(
                f"field `{name}` of {cls.__name__} hides what every struct has by that name",
                "choose another name",
            )
        options = source.__dict__.get(name)
        options = options if isinstance(options, FieldOptions) else FieldOptions()
        kind = _field_type(cls, name, hints[name], options)
        start = options.offset if options.offset is not None else -(-end // kind.alignment) * kind.alignment
        if start < end or start % kind.alignment:
            raise TypeProblem(
                f"field `{name}` of {cls.__name__} cannot lie at offset {start}",
                f"give it a multiple of {kind.alignment} that is at least {end}",
            )
        fields[name] = Field(name, kind, start)
        end = start + kind.size
        alignment = max(alignment, kind.alignment)
    size = -(-end // alignment) * alignment
    declared = cls._declared_size
    if declared is not None and declared < size:
        raise TypeProblem(
            f"{cls.__name__} is declared with size={declared}, but its fields take {size} bytes",
            "raise the declared size or shorten a field",
        )
    return Layout(fields, declared or size, alignment)


def _field_type(cls: type[Struct], name: str, annotation: Any, options: FieldOptions) -> Type:
    kind = resolve(annotation, cls._bindings)
    if isinstance(kind, View):
        if options.length is None:
            raise TypeProblem(
                f"array field `{name}` of {cls.__name__} has no length",
                f"write {name}: Array[...] = array(LENGTH)",
            )
        return View(kind.element, options.length)
    if kind.size == 0 and not (isinstance(kind, Embedded)):
        raise TypeProblem(
            f"field `{name}` of {cls.__name__} has a type that cannot stand in memory",
            "use integers up to 64 bits, bool, enums, references, packed values, Inline[...] or arrays",
        )
    return kind


def _install_accessors(cls: type[Struct], layout: Layout) -> None:
    for item in layout.fields.values():
        env: dict[str, Any] = {}
        where = f"{cls.__name__}.{item.name}"
        offset = f"self._o + {item.offset}"
        load = accessors.load_expression(item.type, offset, env)
        store = accessors.store_statement(item.type, offset, env, where)
        getter = accessors.compile_function(f"def get(self):\n    return {load}", env, "get")
        setter = accessors.compile_function(f"def set(self, value):\n    {store}", env, "set")
        setattr(cls, item.name, property(getter, setter))


__all__ = ["Field", "FieldOptions", "Generic", "Layout", "Struct", "array", "field", "size_of", "static"]
