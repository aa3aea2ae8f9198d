"""The processor's own counters, which user programs may read: instructions done, and time.

Not every emulator counts instructions where it should: QEMU without `-icount` answers with its host's clock.
`counts_instructions` finds out, by running a piece of code whose length is known.
"""

from __future__ import annotations

from typing import Final

from pith.metal import assembly, machine, noinline, u64

TRIAL_ROUNDS: Final = 1000


def instructions() -> u64:
    """Instructions that this processor has retired, kernel and all."""
    return machine.csr_read("instret")


def ticks() -> u64:
    """The timer: ten million ticks a second on QEMU's board."""
    return machine.csr_read("time")


@noinline
@assembly(
    """
1:  addi a0, a0, -1
    bnez a0, 1b
    ret
"""
)
def count_down(rounds: u64) -> None:
    """Two instructions a round."""


def counts_instructions() -> bool:
    """Whether `instructions` does count them here: exactly two a round, and a few around the loop."""
    before = instructions()
    count_down(TRIAL_ROUNDS)
    spent = (instructions() - before) & 0xFFFF_FFFF
    return 2 * TRIAL_ROUNDS <= spent <= 2 * TRIAL_ROUNDS + 40
