"""Decorators for metal functions. A plain function needs none; these say what a plain function can't.

`@export("symbol")` keeps a function and gives it a symbol that assembly or a linker script can name.
`@inline` and `@noinline` advise the optimiser; they change nothing else.
`@cold` is `@noinline` for what is seldom called: it stays off its callers' registers, where it can.
`@outermost` says that assembly jumps to the function: there is no caller to keep registers for.
`@assembly(text)` gives the metal body as assembly; the Python body is what it means, for CPython.
`@intrinsic("name")` is an operation that the code generator knows; the Python body is what it means.
`@text_sink(number=put_number)` lets a function be called with an f-string: see `text_sink`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

OUTERMOST_FRAME: Final = 128


def export(symbol: str) -> Callable[[F], F]:
    """Compile the function even if nothing calls it, under this linker symbol."""

    def mark(function: F) -> F:
        function.__metal_export__ = symbol  # type: ignore[attr-defined]
        return function

    return mark


def inline(function: F) -> F:
    """Compile the function into each of its callers."""
    function.__metal_inline__ = True  # type: ignore[attr-defined]
    return function


def noinline(function: F) -> F:
    """Keep the function out of its callers (the cold side of a hot path)."""
    function.__metal_inline__ = False  # type: ignore[attr-defined]
    return function


def cold(function: F) -> F:
    """Keep the function out of its callers, and off their registers: those who seldom call it pay nothing for it.

    The latter is so for functions without a result, or with one of more than two words.
    """
    function.__metal_cold__ = True  # type: ignore[attr-defined]
    return noinline(function)


def outermost(function: F) -> F:
    """Compile the function as one that assembly jumps to, with a stack, and with no registers to be kept.

    It takes nothing and never returns. What it does not keep in registers lies in the OUTERMOST_FRAME bytes above
    the stack pointer, which assembly leaves free; a function that needs more does not compile.
    """
    function.__metal_outermost__ = True  # type: ignore[attr-defined]
    return function


def assembly(text: str | Callable[[], str]) -> Callable[[F], F]:
    """Give the function's metal body, under the C calling convention, as riscv64 assembly.

    `text` may be a function, called when the program is compiled, so that it can use layouts' offsets.
    Arguments arrive in a0.., the result leaves in a0; `ret` is the text's own business.
    """

    def mark(function: F) -> F:
        function.__metal_assembly__ = text  # type: ignore[attr-defined]
        return function

    return mark


def intrinsic(name: str) -> Callable[[F], F]:
    """Mark an operation that the code generator expands in place."""

    def mark(function: F) -> F:
        function.__metal_intrinsic__ = name  # type: ignore[attr-defined]
        return function

    return mark


def text_sink(*, number: Callable[..., None]) -> Callable[[F], F]:
    """Let a function of one `str` be called with an f-string.

    On the metal `put(f"thread {name} at {address:#x}")` becomes `put("thread "); put(name); put(" at ");
    number(address, 16, 0, True)`, where `number(value, base, width, prefix)` writes an integer padded with zeros to `width`
    digits. A number that may be negative, for a `number` that takes none such, is put as `-` and its magnitude, as
    Python writes it. Format specifications: none (decimal), `x`, `#x`, `0Nx`, `#0Nx`, `d`, `0Nd`.
    """

    def mark(function: F) -> F:
        function.__metal_number__ = number  # type: ignore[attr-defined]
        return function

    return mark
