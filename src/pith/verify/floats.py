"""Floating point: whose registers the processor has, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import state
from pith.kernel.objects import Thread
from pith.kernel.riscv64 import fpu

from .census import Census, Violation
from .naming import name_of


def the_owner_uses_floating_point(census: Census) -> Iterator[Violation]:
    """The thread whose registers the processor has counts as one that uses them."""
    owner = state.kernel.fpu_owner
    if owner is not None and owner.float_use == 0:
        yield Violation(f"{name_of(owner)}, whose registers are loaded", "uses no floating point", "uses it")


def who_is_denied_floating_point_has_none(census: Census) -> Iterator[Violation]:
    """A thread that is denied floating point does not count as one that uses it, and nobody counts beyond patience."""
    for thread in census.all(Thread):
        most = 0 if thread.flags & fpu.FPU_DISABLED else fpu.PATIENCE
        if thread.float_use > most:
            yield Violation(name_of(thread), f"float_use {thread.float_use}", f"at most {most}")


def floating_point_is_on_for_its_owner(census: Census) -> Iterator[Violation]:
    """While a thread runs, floating point is on exactly if it uses it, and then the registers are its own."""
    kernel = state.kernel
    current, is_on = kernel.current, kernel.fpu_status == fpu.ON
    if current is None or current is kernel.idle:
        return
    if is_on != (current.float_use != 0) or is_on != (current is kernel.fpu_owner):
        found = (
            f"{'on' if is_on else 'off'}, owner {name_of(kernel.fpu_owner)}, float_use {current.float_use}"
        )
        yield Violation(f"floating point of current {name_of(current)}", found, "on for its owner, else off")


RULES = (
    the_owner_uses_floating_point,
    who_is_denied_floating_point_has_none,
    floating_point_is_on_for_its_owner,
)
