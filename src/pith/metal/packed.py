"""Packed values: immutable bit-field classes of 8, 16, 32, 64 or 128 bits, and tagged unions of them.

    class MessageInfo(Packed, bits=64):
        length: u7                               # bits 0..6
        extra_caps: u2                           # bits 7..8: fields lie in order, from the lowest bit
        label: u52 = bits(at=12, default=0)      # at an explicit bit

    class EndpointCap(Packed, bits=128, tag=4, tag_bits=5):
        endpoint: Endpoint = bits(at=24, width=40)   # a reference keeps its low 40 bits, sign-extended when read
        badge: u64 = bits(at=64)

    Cap = NullCap | EndpointCap                  # a tagged union: equal width, distinct tags in the lowest bits

`bits(shift=n)` drops the n low bits, which must be zero (of an aligned address, say). Bits that no field names are zero.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Any, Self, dataclass_transform

from . import accessors
from .types import Boolean, Enumeration, Integer, Reference, Type, TypeProblem, resolve

_MISSING: Any = object()


@dataclass(frozen=True)
class BitOptions:
    """What `bits(...)` said beside an annotation."""

    at: int | None
    width: int | None
    shift: int
    default: Any


def bits(*, at: int | None = None, width: int | None = None, shift: int = 0, default: Any = _MISSING) -> Any:
    """Beside an annotation in a Packed class: lowest bit, width in bits, zero bits dropped, default value."""
    return BitOptions(at, width, shift, default)


@dataclass(frozen=True)
class BitField:
    """A packed class's field. The value is `(bits >> at & mask) << shift`, sign-extended for references and iN."""

    name: str
    type: Type
    at: int
    width: int
    shift: int
    default: Any

    @property
    def has_default(self) -> bool:
        return self.default is not _MISSING

    @property
    def signed(self) -> bool:
        return isinstance(self.type, Reference) or (isinstance(self.type, Integer) and self.type.signed)

    @property
    def readable(self) -> Integer:
        """What the field's bits can say, as an integer."""
        low, high = (
            (-(1 << self.width - 1), (1 << self.width - 1) - 1) if self.signed else (0, (1 << self.width) - 1)
        )
        return Integer(low << self.shift, high << self.shift)


@dataclass_transform(frozen_default=True, field_specifiers=(bits,))
class Packed:
    """Base of packed classes. Keywords: `bits` (width); `tag` and `tag_bits` for a union's member."""

    __metal_kind__ = "packed"
    __slots__ = ("_bits",)
    __match_args__: tuple[str, ...] = ()
    __bits__: int = 0
    __tag__: int | None = None
    __tag_bits__: int = 0
    _bits: int
    _fields: dict[str, BitField] | None
    _changes: dict[tuple[str, ...], Any]  # by names of fields: the function that changes these

    def __init_subclass__(cls, bits: int, tag: int | None = None, tag_bits: int = 0, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if bits not in (8, 16, 32, 64, 128):
            raise TypeProblem(f"{cls.__name__} has {bits} bits", "use 8, 16, 32, 64 or 128")
        if tag is not None and not 0 <= tag < 1 << tag_bits:
            raise TypeProblem(f"tag {tag} of {cls.__name__} does not fit {tag_bits} bits", "raise tag_bits")
        cls.__bits__, cls.__tag__, cls.__tag_bits__ = bits, tag, tag_bits
        cls._fields = None
        cls.__match_args__ = tuple(  # type: ignore[misc]
            n
            for n, a in inspect.get_annotations(cls).items()
            if not n.startswith("_") and "ClassVar" not in str(a)
        )

    def __new__(cls, *arguments: Any, **keywords: Any) -> Self:
        # Only until the layout is known: `layout` replaces this by the plain constructor.
        cls.layout()
        return object.__new__(cls)

    @classmethod
    def layout(cls) -> dict[str, BitField]:
        """The fields by name, computed (and the accessors made) on first use."""
        if cls._fields is None:
            cls._fields = _lay_out(cls)
            _install(cls, cls._fields)
        return cls._fields

    @classmethod
    def from_bits(cls, raw: int) -> Self:
        """The value whose representation is `raw`. Raises OverflowError where that takes too many bits."""
        if raw >> cls.__bits__:
            raise OverflowError(f"{raw} does not fit the {cls.__bits__} bits of {cls.__name__}")
        return cls._loaded(raw)

    @classmethod
    def _loaded(cls, raw: int) -> Self:
        """Like `from_bits`, for bits that come out of memory and so fit."""
        if cls._fields is None:
            cls.layout()
        value = object.__new__(cls)
        value._bits = raw
        return value

    @property
    def bits(self) -> int:
        """The representation, as an unsigned integer."""
        return self._bits

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._bits == other._bits

    def __hash__(self) -> int:
        return hash((type(self), self._bits))

    def _replace(self, **changes: Any) -> Self:
        change = self._changes.get(names := tuple(changes))
        if change is None:
            change = self._changes[names] = _compile_change(type(self), names)
        return self._loaded(change(self._bits, *changes.values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.layout())
        return f"{type(self).__name__}({shown})"


def _natural_width(kind: Type) -> int:
    match kind:
        case Boolean():
            return 1
        case Integer():
            return kind.bits
        case Enumeration():
            return kind.storage.bits or 1
        case Reference():
            return 64
    return 0


def _lay_out(cls: type[Packed]) -> dict[str, BitField]:
    fields: dict[str, BitField] = {}
    next_bit, used = cls.__tag_bits__, (1 << cls.__tag_bits__) - 1
    hints = typing.get_type_hints(cls, include_extras=True)
    for name in inspect.get_annotations(cls):
        if typing.get_origin(hints[name]) is typing.ClassVar:
            continue  # a constant of the class
        options = cls.__dict__.get(name, _MISSING)
        if not isinstance(options, BitOptions):
            options = BitOptions(None, None, 0, options)
        kind = resolve(hints[name])
        width = options.width or _natural_width(kind) - options.shift
        at = next_bit if options.at is None else options.at
        mask = ((1 << width) - 1) << at
        if width <= 0 or at + width > cls.__bits__ or used & mask:
            raise TypeProblem(
                f"field `{name}` of {cls.__name__} ({width} bits at bit {at}) does not fit or overlaps another",
                f"{cls.__name__} has {cls.__bits__} bits, of which {used:#x} are taken",
            )
        used |= mask
        next_bit = at + width
        fields[name] = BitField(name, kind, at, width, options.shift, options.default)
    return fields


def _encode(item: BitField, env: dict[str, Any], cls: type[Packed]) -> tuple[str, str]:
    """(statement that checks the argument, expression for its bits in place)."""
    name, mask = item.name, (1 << item.width) - 1
    if isinstance(item.type, Boolean):
        return "", f"({1 << item.at} if {name} else 0)"
    if isinstance(item.type, Reference):
        address = (
            f"({name}.address if {name} is not None else 0)" if item.type.nullable else f"{name}.address"
        )
        return "", f"(({address} >> {item.shift} & {mask}) << {item.at})"
    low = item.type.low if isinstance(item.type, Integer) else 0
    high = item.type.high if isinstance(item.type, Integer) else mask
    readable = item.readable
    low, high = max(low, readable.low), min(high, readable.high)
    low_bits = (1 << item.shift) - 1
    wrong = f"not {low} <= {name} <= {high}" + (f" or {name} & {low_bits}" if low_bits else "")
    message = f"raise OverflowError(f'{{{name}!r}} does not fit {cls.__name__}.{name}')"
    return f"if {wrong}: {message}", f"((int({name}) >> {item.shift} & {mask}) << {item.at})"


def _decode(item: BitField, env: dict[str, Any]) -> str:
    raw = f"(self._bits >> {item.at} & {(1 << item.width) - 1})"
    match item.type:
        case Boolean():
            return f"{raw} != 0"
        case Enumeration(cls):
            return f"{accessors.member_of(cls, env)}[{raw}]"
        case Reference():
            sign, ones = 1 << item.width - 1, (1 << 64 - item.shift) - (1 << item.width)
            extended = f"(raw | {ones} if (raw := {raw}) & {sign} else raw) << {item.shift}"
            return accessors.reference(item.type, extended, env)
    sign = 1 << item.width - 1
    value = f"(({raw} ^ {sign}) - {sign})" if item.signed else raw
    value = f"{value} << {item.shift}" if item.shift else value
    readable = item.readable
    if (
        isinstance(item.type, Integer)
        and not item.type.low <= readable.low <= readable.high <= item.type.high
    ):
        refuse, low, high = accessors.name_in(env, accessors.refuse_loaded), item.type.low, item.type.high
        return f"value if {low} <= (value := {value}) <= {high} else {refuse}(value, {low}, {high})"
    return value


def _install(cls: type[Packed], fields: dict[str, BitField]) -> None:
    env: dict[str, Any] = {}
    parameters, checks, terms = [], [], [str(cls.__tag__ or 0)]
    cls._changes = {}
    for item in fields.values():
        default = f"={accessors.name_in(env, item.default)}" if item.has_default else ""
        parameters.append(item.name + default)
        check, term = _encode(item, env, cls)
        checks.append(check)
        terms.append(term)
        getter_env: dict[str, Any] = {}
        text = f"def get(self):\n    return {_decode(item, getter_env)}"
        setattr(cls, item.name, property(accessors.compile_function(text, getter_env, "get")))
    head = f"def __init__(self, {', '.join(parameters)}):" if parameters else "def __init__(self):"
    body = "".join(f"\n    {c}" for c in checks if c)
    text = f"{head}{body}\n    self._bits = {' | '.join(terms)}"
    setattr(cls, "__init__", accessors.compile_function(text, env, "__init__"))
    setattr(cls, "__new__", lambda c, *a, **k: object.__new__(c))


def _compile_change(cls: type[Packed], names: tuple[str, ...]) -> Any:
    """The function from a value's bits, and new values of the fields `names`, to the bits with those in place."""
    fields = cls.layout()
    unknown = set(names) - fields.keys()
    if unknown:
        raise TypeError(f"{cls.__name__} has no field {', '.join(sorted(unknown))}")
    env: dict[str, Any] = {}
    kept = (1 << cls.__tag_bits__) - 1
    for item in fields.values():  # those that stay keep their bits, whatever those mean
        kept |= 0 if item.name in names else ((1 << item.width) - 1) << item.at
    encoded = [_encode(fields[name], env, cls) for name in names]
    checks = "".join(f"\n    {check}" for check, _ in encoded if check)
    terms = " | ".join([f"bits & {kept}", *(term for _, term in encoded)])
    text = f"def change(bits, {', '.join(names)}):{checks}\n    return {terms}"
    return accessors.compile_function(text, env, "change")
