"""Fault labels and the registers that fault messages carry (manual, "Faults"; libsel4 `constants.h` of riscv64)."""

from enum import IntEnum


class FaultLabel(IntEnum):
    """The label of a fault message."""

    NULL = 0
    CAPABILITY = 1
    UNKNOWN_SYSCALL = 2
    USER_EXCEPTION = 3
    TIMEOUT = 5
    VM = 6
