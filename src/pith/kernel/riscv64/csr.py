"""Control and status registers: what the kernel reads out of them and writes into them.

RISC-V privileged specification, chapter "Supervisor-Level ISA".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

SSTATUS_FS: Final = 0b11 << 13  # floating point: off (0), clean (2), dirty (3)
SSTATUS_FS_DIRTY: Final = 0b01 << 13  # set in dirty, not in clean
SUPERVISOR_TIMER: Final = 1 << 5  # in sie and sip
SUPERVISOR_EXTERNAL: Final = 1 << 9
INTERRUPT: Final = 1 << 63  # in scause: an interrupt, not an exception


class Cause(IntEnum):
    """Exceptions in scause that the kernel tells apart; the others are faults of the thread."""

    INSTRUCTION_ACCESS_FAULT = 1
    ILLEGAL_INSTRUCTION = 2
    LOAD_ACCESS_FAULT = 5
    STORE_ACCESS_FAULT = 7
    USER_CALL = 8
    INSTRUCTION_PAGE_FAULT = 12
    LOAD_PAGE_FAULT = 13
    STORE_PAGE_FAULT = 15
