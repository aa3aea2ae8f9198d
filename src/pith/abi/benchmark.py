"""What a kernel built for benchmarks tells: records of its entries, and who used the processor.

libsel4: `benchmark_track_types.h`, `benchmark_utilisation_types.h`. Times are cycles of the processor.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.metal import Array, Packed, Struct, array, bits, u1, u4, u5, u8, u19, u32, u64

LOG_BYTES: Final = 1 << 20


class Path(IntEnum):
    """Why the kernel was entered, as records tell it."""

    UNKNOWN = 0
    INTERRUPT = 1
    UNKNOWN_SYSCALL = 2
    USER_FAULT = 3
    DEBUG_FAULT = 4
    VM_FAULT = 5
    SYSCALL = 6


class Request(Packed, bits=32):
    """Of a record whose path is SYSCALL: what was asked for."""

    number: u4  # the system call's, positive
    cap_type: u5
    is_fastpath: u1
    label: u19 = bits(at=10)


class Record(Struct, size=24):
    """One entry of the kernel."""

    start: u64
    duration: u32
    path: u8
    request: Array[u8] = array(8)  # a word that is not aligned


RECORDS: Final = LOG_BYTES // Record.layout().size


class Utilisation(IntEnum):
    """The message words of GetThreadUtilisation's answer: of the thread, of idleness, of everything."""

    CYCLES = 0
    SWITCHES = 1  # how often it began to run
    KERNEL_CYCLES = 2
    KERNEL_ENTRIES = 3
    IDLE_CYCLES = 4  # on this core
    IDLE_THREAD_CYCLES = 5  # on all cores
    IDLE_SWITCHES = 6
    IDLE_KERNEL_CYCLES = 7
    IDLE_KERNEL_ENTRIES = 8
    TOTAL_CYCLES = 9
    TOTAL_SWITCHES = 10
    TOTAL_KERNEL_CYCLES = 11
    TOTAL_KERNEL_ENTRIES = 12
