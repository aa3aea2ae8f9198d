"""What `ipc` measures: the operations that everything in a microkernel is made of.

Each is done many times between two readings of the processor's instruction counter, which counts the kernel's
instructions as well as ours: the price that a program pays, all included.
"""

from __future__ import annotations

from typing import Final

from pith.metal import u64
from pith.runtime import counters, notification
from pith.runtime.console import column, right, write
from pith.runtime.endpoint import request
from pith.runtime.syscalls import nb_wait
from pith.runtime.voice import BOLD, DIM, PLAIN

from .parts import system
from .server import ServerCall

ROUNDS: Final = 200
TICKS_A_MICROSECOND: Final = 10


def measure() -> None:
    """Run the round trips, and print what one costs."""
    exact = counters.counts_instructions()
    write(BOLD)
    write(f"  operation, {ROUNDS} times")
    column(50)
    write("instructions each" if exact else "    counted, each")
    write("      ns each\n")
    write(PLAIN)
    request(system.server, ServerCall.ADD_ONE, 0)  # once before, so that all is warm

    start, began = counters.instructions(), counters.ticks()
    for i in range(ROUNDS):
        request(system.server, ServerCall.ADD_ONE, i)
    report("call server and get its answer", start, began)

    start, began = counters.instructions(), counters.ticks()
    for _ in range(ROUNDS):
        notification.signal(system.typed)
        nb_wait(system.typed)
    report("signal a notification and take it", start, began)

    start, began = counters.instructions(), counters.ticks()
    for _ in range(ROUNDS):
        nb_wait(system.typed)
    report("one system call: look at a notification", start, began)

    write(DIM)
    if exact:
        write(
            "  Kernel and both programs included. The call crosses into another address space and back. Where\n"
        )
        write("  the kernel runs as Python (the hosted machine), each of its entries is counted as 1000.\n")
    else:
        write("  This machine's counter does not count instructions (QEMU does with --icount).\n")
    write(PLAIN)


def report(what: str, start: u64, began: u64) -> None:
    """One line: what was measured, since the two readings."""
    spent = counters.instructions() - start
    ticks = counters.ticks() - began
    write("  ")
    write(what)
    column(50)
    right(spent // ROUNDS, 17)
    right(ticks * 1000 // TICKS_A_MICROSECOND // ROUNDS, 13)
    write("\n")
