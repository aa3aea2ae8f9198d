"""The processor changes hands: what of its state outlives a switch of threads, and is in no thread's saved words.

What user code can leave behind in the processor, all of it, and what keeps it from the next thread:

    x1-x31, pc       saved and loaded at every entry and exit (entry.py); gp and tp are two of them
    satp             set for each thread (vspace.py); translations are found by its identifier
    reservation      `lr` makes one, which a trap and `sret` need not end: ended here
    f0-f31, fcsr     handed over when two threads use them (fpu.py); sstatus.FS says who may, and whether it did
    v0-v31, vcsr     out of reach: sstatus.VS is off since the first instruction (entry.py)
    sstatus          user code cannot write it, but through FS
    counters         run on through every switch, the same for all threads; user code cannot write them
    sepc, scause,    a trap's; read before there can be another
    stval

No extension with state of its own beyond these is known to the kernel: such state is behind senvcfg or sstatus.XS, which the
kernel leaves off. RISC-V privileged specification, chapter "Supervisor-Level ISA".
"""

from __future__ import annotations

from pith.metal import inline
from pith.metal.machine import end_reservation

from ..objects import Thread
from . import fpu


@inline
def prepare(thread: Thread) -> None:
    """Make the processor, but for its address space, ready for a thread that it did not run.

    The reservation would let an `sc` of this thread succeed after another thread's store. Its own may end as well:
    nobody can count on a reservation across a system call or an interrupt. It costs one instruction here, and nothing where the same
    thread goes on. What that may store is there already: a thread that runs waits for no reply.
    """
    end_reservation(thread.address)
    fpu.prepare(thread)
