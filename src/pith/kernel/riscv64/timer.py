"""The timer: time in ticks, one deadline at a time.

The `time` register counts at the timebase frequency of the device tree. Programs speak in microseconds; the
conversions here are exact (rounded down) for every frequency, and no product in them exceeds 64 bits for a
time that fits.
"""

from __future__ import annotations

from typing import Final

from pith.metal import MASK32, u32, u64
from pith.metal.machine import csr_read, csr_set, csr_write, sbi_call

from ..state import kernel
from .csr import SUPERVISOR_TIMER

KERNEL_ENTRY_MICROSECONDS: Final = 10  # one entry of the kernel takes no longer, preemption points included
SBI_TIMER: Final = 0x54494D45
SBI_BASE: Final = 0x10
OPENSBI: Final = 1  # its number among implementations of the SBI
OPENSBI_1_1: Final = 1 << 16 | 1
MICROSECONDS: Final = 1_000_000


def initialise(ticks_per_second: u32) -> None:
    """Learn the frequency, read the time, let the timer interrupt."""
    kernel.ticks_per_second = ticks_per_second
    kernel.margin = to_ticks(KERNEL_ENTRY_MICROSECONDS)
    kernel.now = read()
    csr_set("sie", SUPERVISOR_TIMER)


def is_lent() -> bool:
    """Whether the firmware lets the supervisor use the timer of its own that the Sstc extension brings.

    It need not, and the register traps then. OpenSBI does since version 1.1.
    """
    _, implementation = sbi_call(SBI_BASE, 1, 0, 0, 0)
    _, version = sbi_call(SBI_BASE, 2, 0, 0, 0)
    return implementation == OPENSBI and version >= OPENSBI_1_1


def read() -> u64:
    """The time, in ticks."""
    return csr_read("time")


def set_deadline(time: u64) -> None:
    """Interrupt at `time`, or at once if that is past; this also takes a pending interrupt back."""
    if kernel.has_sstc:
        csr_write("stimecmp", time)
    else:
        sbi_call(SBI_TIMER, 0, time, 0, 0)


def to_ticks(microseconds: u64) -> u64:
    """Ticks in so many microseconds."""
    if microseconds <= MASK32:  # an hour: the product is one word
        return microseconds * kernel.ticks_per_second // MICROSECONDS
    seconds, rest = microseconds // MICROSECONDS, microseconds % MICROSECONDS
    return seconds * kernel.ticks_per_second + rest * kernel.ticks_per_second // MICROSECONDS


def to_microseconds(ticks: u64) -> u64:
    """Microseconds in so many ticks."""
    seconds, rest = ticks // kernel.ticks_per_second, ticks % kernel.ticks_per_second
    return seconds * MICROSECONDS + rest * MICROSECONDS // kernel.ticks_per_second
