"""Source text for reading and writing a typed value in the arena.

Field and element accessors are generated as Python source and compiled once per class: hosted life spends its
time here, so an access must be one view index and little else. `load_expression(type, "o", env)` is an expression
that reads the value at byte offset `o`; `store_statement` is the statement that writes `value` there. `env` collects
the objects that the text names. The views are looked up in `pith.metal.memory`, whose globals the code runs in, so
that attaching another arena takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from . import memory
from .types import Boolean, Embedded, Enumeration, Integer, PackedUnion, PackedValue, Reference, Type, View

VALUES_KEPT: Final = 1 << 14  # packed values, for each field or element type that holds them
_members: dict[type, memory.Known] = {}
_SHIFT = {1: "", 2: " >> 1", 4: " >> 2", 8: " >> 3"}


def view_name(integer: Integer) -> str:
    """The name of the memory view that holds integers of this range."""
    return f"view_{'i' if integer.signed else 'u'}{8 * integer.size}"


def name_in(env: dict[str, Any], value: Any) -> str:
    """A name for `value` in `env`, so that generated text can mention it."""
    name = f"_{type(value).__name__}_{id(value):x}"
    env[name] = value
    return name


def load_expression(kind: Type, offset: str, env: dict[str, Any]) -> str:
    """An expression for the value of type `kind` at the arena offset that `offset` computes."""
    match kind:
        case Integer():
            return _integer_load(kind, f"{view_name(kind)}[({offset}){_SHIFT[kind.size]}]", env)
        case Boolean():
            return f"view_u8[{offset}] != 0"
        case Enumeration(cls):
            storage = kind.storage
            return f"{member_of(cls, env)}[{view_name(storage)}[({offset}){_SHIFT[storage.size]}]]"
        case Reference():
            return reference(kind, f"view_u64[({offset}) >> 3]", env)
        case Embedded(cls):
            return f"{name_in(env, cls._instances)}[base + ({offset})]"  # type: ignore[attr-defined]
        case PackedValue() | PackedUnion():
            decode = name_in(env, decoder(kind))
            return f"{decode}({_raw_load(kind.bits, offset)})"
        case View(element, int(length)):
            from .arrays import view_class

            cls = view_class(element)
            views = memory.interning(lambda start: cls.at(memory.base + start, length))
            return f"{name_in(env, views)}[{offset}]"
    raise TypeError(f"{kind} cannot stand in memory")


def reference(kind: Reference, address: str, env: dict[str, Any]) -> str:
    """An expression for the struct at the address that `address` computes."""
    known = name_in(env, kind.cls._instances)  # type: ignore[attr-defined]
    return f"{known}[at] if (at := {address}) else None" if kind.nullable else f"{known}[{address}]"


def member_of(cls: type, env: dict[str, Any]) -> str:
    """The name of a table from numbers to the members of an enum; others raise ValueError."""
    return name_in(env, _members.setdefault(cls, memory.Known(cls)))


def _integer_load(kind: Integer, load: str, env: dict[str, Any]) -> str:
    """Memory that something else wrote may hold more than the range allows: that is an error, as on storing."""
    bits = 8 * kind.size - kind.signed
    if kind.high == (1 << bits) - 1 and kind.low == (-1 << bits if kind.signed else 0):
        return load
    refuse = name_in(env, refuse_loaded)
    return f"value if {kind.low} <= (value := {load}) <= {kind.high} else {refuse}(value, {kind.low}, {kind.high})"


def refuse_loaded(value: int, low: int, high: int) -> int:
    """A stored integer is outside its field's range."""
    raise OverflowError(f"memory holds {value} where {low}..{high} was stored")


def _raw_load(bits: int, offset: str) -> str:
    if bits <= 64:
        return f"view_u{bits}[({offset}){_SHIFT[bits // 8]}]"
    return f"(view_u64[({offset}) >> 3] | view_u64[(({offset}) >> 3) + 1] << 64)"


def decoder(kind: PackedValue | PackedUnion) -> Callable[[int], Any]:
    """The function from raw bits to the packed value; for a union, to the variant that the tag names.

    Values are immutable, so the same bits may give the same object: most loads find one that was made before.
    """
    if isinstance(kind, PackedValue):
        return lru_cache(VALUES_KEPT)(kind.cls._loaded)  # type: ignore[attr-defined]
    by_tag = {v.__tag__: v._loaded for v in kind.variants}  # type: ignore[attr-defined]
    mask = (1 << kind.tag_bits) - 1

    @lru_cache(VALUES_KEPT)
    def decode(bits: int) -> Any:
        return by_tag[bits & mask](bits)

    return decode


def store_statement(kind: Type, offset: str, env: dict[str, Any], where: str) -> str:
    """A statement that writes `value` at `offset`, raising OverflowError where it does not fit."""
    match kind:
        case Integer(low, high):
            fits = f"if not {low} <= value <= {high}: raise OverflowError(f'{{value}} does not fit {where}')\n    "
            return f"{fits}{view_name(kind)}[({offset}){_SHIFT[kind.size]}] = value"
        case Boolean():
            return f"view_u8[{offset}] = 1 if value else 0"
        case Enumeration():
            return f"{view_name(kind.storage)}[({offset}){_SHIFT[kind.size]}] = int(value)"
        case Reference(_, True):
            return f"view_u64[({offset}) >> 3] = 0 if value is None else value.address"
        case Reference():
            return f"view_u64[({offset}) >> 3] = value.address"
        case PackedValue() | PackedUnion() if kind.bits <= 64:
            return f"view_u{kind.bits}[({offset}){_SHIFT[kind.size]}] = value._bits"
        case PackedValue() | PackedUnion():
            return (
                f"i = ({offset}) >> 3; view_u64[i] = value._bits & 0xffffffffffffffff; "
                f"view_u64[i + 1] = value._bits >> 64"
            )
    return f"raise TypeError('{where} is embedded: change its fields, not itself')"


def compile_function(text: str, env: dict[str, Any], name: str) -> Any:
    """Compile generated source that defines `name`, running in the memory module's globals."""
    scope: dict[str, Any] = {}
    parameters = ", ".join(env)
    body = "\n".join("    " + line for line in text.splitlines())
    source = f"def _make({parameters}):\n{body}\n    return {name}\n"
    exec(compile(source, f"<metal accessor {name}>", "exec"), memory.__dict__, scope)
    return scope["_make"](*env.values())
