"""The memory that metal structs live in, when they run under CPython.

One contiguous arena holds everything that the metal could reach through a reference: on the hosted machine it
is the machine's physical memory, seen at the kernel's window addresses; in a differential test it is a host
mapping, seen at its true address. The arena is a writable buffer plus the address of its first byte. Typed
views over the same bytes (`view_u64[i]` is the i-th aligned 64-bit word) make a field access one index.

Statics (`pith.metal.static`) have no place until an arena is attached; `attach` gives each its address, in the
order of creation, from `static_base` on.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from typing import Any

base: int = 0
size: int = 0
buffer: Any = None

view_u8: memoryview = memoryview(bytearray(0))
view_u16: memoryview = view_u8.cast("H")
view_u32: memoryview = view_u8.cast("I")
view_u64: memoryview = view_u8.cast("Q")
view_i8: memoryview = view_u8.cast("b")
view_i16: memoryview = view_u8.cast("h")
view_i32: memoryview = view_u8.cast("i")
view_i64: memoryview = view_u8.cast("q")

statics: list[Any] = []  # every static instance, in order of creation
interned: list[dict[int, Any]] = []  # references and views by where they refer to: stale after an attach


class Known(dict[int, Any]):
    """Objects by a number, each made by `make` when it is first asked for: `known[number]` is all that a hit costs."""

    def __init__(self, make: Callable[[int], Any]) -> None:
        self.make = make

    def __missing__(self, number: int) -> Any:
        made = self[number] = self.make(number)
        return made


def interning(make: Callable[[int], Any]) -> Known:
    """Objects that refer to places in the arena, and are forgotten with it."""
    known = Known(make)
    interned.append(known)
    return known


def attach(new_buffer: Any, new_base: int, static_base: int | None = None) -> int:
    """Make `new_buffer` (a multiple of 8 bytes) the arena, its first byte at address `new_base`.

    Statics are laid out from `static_base` (default: the arena's start) and keep what the buffer holds there.
    Returns the first address after the statics. Raises ValueError when they do not fit.
    """
    global base, size, buffer, view_u8, view_u16, view_u32, view_u64, view_i8, view_i16, view_i32, view_i64
    view_u8 = memoryview(new_buffer).cast("B")
    if len(view_u8) % 8 or new_base % 8:
        raise ValueError("an arena is a whole number of 64-bit words at an aligned address")
    view_u16, view_u32, view_u64 = view_u8.cast("H"), view_u8.cast("I"), view_u8.cast("Q")
    view_i8, view_i16 = view_u8.cast("b"), view_u8.cast("h")
    view_i32, view_i64 = view_u8.cast("i"), view_u8.cast("q")
    buffer, base, size = new_buffer, new_base, len(view_u8)
    for table in interned:
        table.clear()
    address = new_base if static_base is None else static_base
    for instance in statics:
        address = instance._place(address)
    if address > base + size:
        raise ValueError(f"the statics need {address - new_base} bytes, the arena has {size}")
    return address


def attach_host(length: int) -> int:
    """Attach a fresh, zeroed host mapping of `length` bytes at its true host address, for differential tests.

    Returns the first address after the statics.
    """
    mapping = mmap.mmap(-1, length)
    return attach(mapping, ctypes.addressof(ctypes.c_char.from_buffer(mapping)))


def offset_of(address: int, length: int, alignment: int) -> int:
    """The arena offset of `length` bytes at `address`; raises where the metal would have no memory."""
    offset = address - base
    if offset < 0 or offset + length > size:
        raise MemoryError(f"address {address:#x} (+{length}) is outside memory {base:#x}..{base + size:#x}")
    if address % alignment:
        raise MemoryError(f"address {address:#x} is not a multiple of {alignment}")
    return offset
