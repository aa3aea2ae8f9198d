"""The way out of the kernel: decide who runs, and make the processor ready for it.

With nothing to run the kernel waits here for an interrupt; the idle thread is a name for that, it has no
code of its own.
"""

from __future__ import annotations

from pith.metal import export, inline, noinline
from pith.metal.machine import csr_read, wait_for_interrupt

from . import benchmark, interrupt, scheduler
from .message import current
from .objects import Thread
from .riscv64 import handover, plic, vspace
from .riscv64.csr import INTERRUPT, SUPERVISOR_EXTERNAL
from .state import kernel
from .thread import activate


@export("pith_kernel_resume")
def begin() -> Thread:
    """The first thread that runs, when the kernel has started."""
    thread = resume()
    _prepare(thread)
    return thread


def _prepare(thread: Thread) -> None:
    """Make the processor ready for a thread that it did not run."""
    vspace.set_address_space(thread)
    handover.prepare(thread)


@inline
def resume() -> Thread:
    """The thread that runs next, its saved registers to be loaded; the processor is ready for it."""
    thread = current()
    if scheduler.goes_on(thread):
        benchmark.leave(thread)
        return thread
    return _choose()


@noinline
def _choose() -> Thread:
    """The same, when it may be another than the current thread."""
    before = kernel.current
    while True:
        scheduler.schedule()
        thread = current()
        if thread is not kernel.idle:
            activate(thread)
            if thread is not before:
                _prepare(thread)
            benchmark.leave(thread)
            return thread
        benchmark.leave(thread)
        wait_for_interrupt()
        benchmark.enter(INTERRUPT)
        scheduler.update_time()
        take_interrupts()


def take_interrupts() -> None:
    """Handle one device's interrupt; the timer's needs no more than that the time was looked at."""
    if csr_read("sip") & SUPERVISOR_EXTERNAL:
        irq = plic.claim()
        if irq != 0:
            interrupt.handle(irq)
