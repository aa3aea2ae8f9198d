"""The timer: time in ticks, one deadline at a time.

The `time` register counts at the timebase frequency of the device tree, from 10 kHz to 10 GHz. Programs speak in
microseconds (but for the domain schedule, which is in ticks). What does not come out even is rounded so that nobody gets
more than was promised and no bound is broken:

    down  budgets, and all that programs are told: consumed time, the longest period
    up    periods, and the kernel's own bounds, so that none of them is 0: the margin, the shortest budget

At the kernel's frequencies of 1 MHz and multiples of it everything in whole microseconds comes out even.
"""

from __future__ import annotations

from typing import Final

from pith.metal import MASK64, u64
from pith.metal.machine import csr_read, csr_set, csr_write, panic, sbi_call

from ..state import kernel
from .csr import SUPERVISOR_TIMER

KERNEL_ENTRY_MICROSECONDS: Final = 10  # what an entry of the kernel is reckoned to take at most
LOWEST_FREQUENCY: Final = (
    10_000  # with ticks of more than 100 µs, a time slice of 5 ms would be a handful of them
)
HIGHEST_FREQUENCY: Final = 10_000_000_000
SBI_TIMER: Final = 0x54494D45
SBI_BASE: Final = 0x10
OPENSBI: Final = 1  # its number among implementations of the SBI
OPENSBI_1_1: Final = 1 << 16 | 1
MICROSECONDS: Final = 1_000_000
SHORT: Final = (1 << 30) - 1  # microseconds, 18 minutes: a product of it with any frequency fits 64 bits


def initialise(ticks_per_second: u64) -> None:
    """Learn the frequency, read the time, let the timer interrupt. Panics if no budgets can be kept at that frequency."""
    if not LOWEST_FREQUENCY <= ticks_per_second <= HIGHEST_FREQUENCY:
        panic("timer: the device tree's timebase-frequency must be 10,000 to 10,000,000,000 Hz")
    kernel.ticks_per_second = ticks_per_second
    kernel.margin = to_ticks_up(KERNEL_ENTRY_MICROSECONDS)
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
    """Whole ticks in so many microseconds, rounded down; they must be fewer than 2**64."""
    if microseconds <= SHORT:
        return microseconds * kernel.ticks_per_second // MICROSECONDS
    seconds, rest = microseconds // MICROSECONDS, microseconds % MICROSECONDS
    return seconds * kernel.ticks_per_second + rest * kernel.ticks_per_second // MICROSECONDS


def to_ticks_up(microseconds: u64) -> u64:
    """The fewest ticks that last so many microseconds; they must be fewer than 2**64."""
    ticks = to_ticks(microseconds)
    return ticks if to_microseconds(ticks) == microseconds else ticks + 1


def to_microseconds(ticks: u64) -> u64:
    """Whole microseconds in so many ticks, rounded down; 2**64 - 1 if they are more than that."""
    seconds, rest = ticks // kernel.ticks_per_second, ticks % kernel.ticks_per_second
    return min(seconds * MICROSECONDS + rest * MICROSECONDS // kernel.ticks_per_second, MASK64)


def to_microseconds_up(ticks: u64) -> u64:
    """The fewest whole microseconds that last so many ticks; they must be fewer than 2**64."""
    microseconds = to_microseconds(ticks)
    return microseconds if to_ticks(microseconds) == ticks else microseconds + 1
