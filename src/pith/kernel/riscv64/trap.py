"""Traps: the first Python that runs when the processor enters the kernel, and the whole of one entry.

    interrupt      the device's notification is signalled; the timer's time is looked at
    ecall          a system call
    the rest       the thread's own fault, unless it may have the floating point unit for it

The fast path comes first and looks at no clock. Every other entry first charges time: a thread whose budget cannot
pay for it is not served now.
"""

from __future__ import annotations

from typing import NoReturn

from pith.metal import cold, export, inline, machine, noinline, outermost, u64
from pith.metal.machine import csr_read

from .. import benchmark, debug, fastpath, fault, scheduler, syscall, timeslice
from ..fault_message import set_fault
from ..message import current
from ..objects import FaultKind, Register, Thread
from ..resume import resume, take_interrupts
from . import entry, fpu
from .csr import INTERRUPT, Cause


@export("pith_kernel_trap")
@outermost
def enter() -> NoReturn:
    """One entry of the kernel, from the assembly that saved the thread's registers to the one that loads them."""
    entry.resume(handle_trap(csr_read("scause")))


@inline
def handle_trap(cause: u64) -> Thread:
    """One entry of the kernel, with scause; the thread whose registers are to be loaded then."""
    benchmark.enter(cause)
    if cause == Cause.USER_CALL:
        following = fastpath.take(current())
        if following is not None:
            benchmark.leave(following, is_fastpath=True)
            return following
    return _handle(cause)


@cold
def _handle(cause: u64) -> Thread:
    """The whole of an entry, for all that the fast path did not do."""
    thread = current()
    thread.registers[Register.NEXT_PC] = thread.registers[Register.FAULT_PC]
    scheduler.update_time()
    is_served = scheduler.is_quiet() or timeslice.check(thread)
    if cause & INTERRUPT:
        take_interrupts()
    elif is_served:
        if cause == Cause.USER_CALL:
            syscall.handle(thread)
        else:
            _handle_exception(thread, cause)
        debug.tell_end(thread)
    return resume()


@noinline
def _handle_exception(thread: Thread, cause: u64) -> None:
    """Turn an exception into the thread's fault. Page and access faults look alike to its handler."""
    value = csr_read("stval")
    match cause:
        case Cause.ILLEGAL_INSTRUCTION if fpu.take(thread):
            return
        case Cause.INSTRUCTION_PAGE_FAULT | Cause.INSTRUCTION_ACCESS_FAULT:
            set_fault(thread, FaultKind.VM, value, Cause.INSTRUCTION_ACCESS_FAULT, 1)
        case Cause.LOAD_PAGE_FAULT | Cause.LOAD_ACCESS_FAULT:
            set_fault(thread, FaultKind.VM, value, Cause.LOAD_ACCESS_FAULT, 0)
        case Cause.STORE_PAGE_FAULT | Cause.STORE_ACCESS_FAULT:
            set_fault(thread, FaultKind.VM, value, Cause.STORE_ACCESS_FAULT, 0)
        case _:
            set_fault(thread, FaultKind.USER_EXCEPTION, cause, 0)
    fault.handle(thread)


@export("pith_kernel_broken")
def handle_kernel_trap(cause: u64, address: u64, value: u64) -> None:
    """The kernel itself trapped at `address`: say so and stop."""
    debug.put(f"the kernel trapped: cause {cause}, at {address:#x}, value {value:#x}\n")
    machine.panic("a trap in the kernel")
