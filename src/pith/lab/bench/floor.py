"""The floor: what no kernel on this architecture can go below, counted by hand.

It holds only what the hardware and the system-call convention force: the trap and the return from it, saving and
loading the registers that a thread must find again, the CSRs that have to change, and the copying of words. Looking
a capability up, checking it, and whatever the call is for come on top: that is the kernel's art, and the
distance between a row and its floor is what the art costs. docs/measuring.md goes through the numbers.
"""

from __future__ import annotations

from typing import Final

from .rows import Row

ECALL = SRET = SWAP = 1  # SWAP: one register against sscratch, or there is none to work with
REGISTERS: Final = 31
ANSWER_REGISTERS: Final = 6  # a0-a5: they carry the message and the answer, so nobody finds them again
WORDS_IN_REGISTERS: Final = 4

# Into the kernel and back to the same thread, which goes on behind its ecall: csrr, addi, csrw of sepc.
RETURN: Final = ECALL + SWAP + 3 + SWAP + SRET

# sepc: csrr, addi, store; load, csrw. satp: load, csrw; with address space identifiers nothing is flushed.
SWITCH_STATE: Final = 5 + 2
KEPT: Final = REGISTERS - ANSWER_REGISTERS

# From a thread that called to another that had called.
SWITCH: Final = ECALL + SWAP + KEPT + SWITCH_STATE + KEPT + SWAP + SRET

# From a thread that did not call, so that it keeps every register and sepc stays, to one that had called.
PREEMPTION: Final = SWAP + REGISTERS + (SWITCH_STATE - 1) + KEPT + SWAP + SRET

# From a thread that called to one that had not.
RESUMPTION: Final = ECALL + SWAP + KEPT + SWITCH_STATE + REGISTERS + SWAP + SRET

# What a scenario's stretches force, in order; all others only return to their caller.
STRETCHES: Final = {
    "wake": (SWITCH, SWITCH),
    "ping-pong": (RETURN, SWITCH, RETURN, SWITCH),
    "fault-passive": (PREEMPTION, RETURN, RESUMPTION),
    "fault-active": (PREEMPTION, RETURN, RESUMPTION),
    "interrupt": (PREEMPTION, RETURN, RESUMPTION),
}


def of(row: Row) -> int:
    """The fewest instructions that a row can take."""
    kind, _, words = row.scenario.rpartition("-")
    if kind in ("call", "active-call"):
        copied = max(0, int(words) - WORDS_IN_REGISTERS)
        return len(row.stretches) * (SWITCH + 2 * copied)  # a load and a store for each
    forced = STRETCHES.get(row.scenario, (RETURN,))
    return sum(forced[stretch] for stretch in row.stretches)
