"""The loads and stores of a trace, with their addresses.

An instruction's address comes from the log, its bits from the ELF file that it stands in, and the registers as it found them
from the log again: together they say what it accessed. What the processor reads of page tables by itself is not among these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pith.machine import instructions

from .log import Privilege, Step
from .symbols import Symbols


class Access(NamedTuple):
    """A load or a store of up to eight bytes at a virtual address, which is a multiple of its size."""

    address: int
    is_store: bool


def accesses(steps: Iterable[Step], code: Symbols, privilege: Privilege) -> Iterator[Access]:
    """Every load and store that `steps` execute with this privilege, in order; `code` holds their instructions."""
    for step in steps:
        if step.privilege is privilege:
            access = instructions.access(code.instruction(step.address))
            if access is not None:
                yield Access(access.address(step.registers[1:]), access.is_write)
