"""The loads and stores of a trace, with their addresses.

An instruction's address comes from the log, its bits from the ELF file that it stands in, and the registers as it found them
from the log again: together they say what it accessed. What the processor reads of page tables by itself is not among these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pith.machine.instructions import (
    ATOMIC,
    LOAD,
    LOAD_FLOAT,
    STORE,
    STORE_FLOAT,
    accessed_address,
    is_atomic_write,
    length,
)

from .log import Privilege, Step
from .symbols import Symbols

LOADS: Final = (LOAD, LOAD_FLOAT)
STORES: Final = (STORE, STORE_FLOAT)


class Access(NamedTuple):
    """A load or a store of up to eight bytes at a virtual address, which is a multiple of its size."""

    address: int
    is_store: bool


def accesses(steps: Iterable[Step], code: Symbols, privilege: Privilege) -> Iterator[Access]:
    """Every load and store that `steps` execute with this privilege, in order; `code` holds their instructions."""
    for step in steps:
        if step.privilege is privilege:
            instruction = code.instruction(step.address)
            is_store = stores(instruction)
            if is_store or loads(instruction):
                yield Access(accessed_address(instruction, step.registers[1:]), is_store)


def loads(instruction: int) -> bool:
    """It reads memory: a load, a compressed one (c.fld, c.lw, c.ld and those from the stack), or an atomic."""
    if length(instruction) == 2:
        return instruction & 3 in (0, 2) and instruction >> 13 & 7 in (1, 2, 3)
    return instruction & 0x7F in (*LOADS, ATOMIC)


def stores(instruction: int) -> bool:
    """It writes memory: the same with 4 more in the compressed forms' uppermost field."""
    if length(instruction) == 2:
        return instruction & 3 in (0, 2) and instruction >> 13 & 7 in (5, 6, 7)
    return instruction & 0x7F in STORES or is_atomic_write(instruction)
