"""Value classes: a few values that travel together, in registers.

    class Lookup(Value):
        slot: Slot
        bits_left: u64

Immutable; passed, returned and taken apart (`match`, attributes), never stored in memory. It is a frozen dataclass to
CPython and mypy.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, dataclass_transform

V = TypeVar("V")


@dataclass_transform(frozen_default=True)
class Value:
    """Base of value classes; annotations become the constructor's parameters, in order."""

    __metal_kind__ = "value"

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        # Not frozen at run time: a frozen dataclass assigns through object.__setattr__, three times slower, and
        # mypy and the compiler both refuse assignments already.
        dataclasses.dataclass(cls, unsafe_hash=True)


def replace(value: V, **changes: Any) -> V:
    """A copy of a packed value or value class with some fields changed."""
    if getattr(type(value), "__metal_kind__", None) == "packed":
        return value._replace(**changes)  # type: ignore[attr-defined, no-any-return]
    return dataclasses.replace(value, **changes)  # type: ignore[type-var]
