"""Floating point: one processor's registers shared by all threads, handed over when they are used.

The registers hold the state of `kernel.fpu_owner`. Any other thread runs with floating point off, so its
first such instruction traps as illegal; then the owner's registers are saved and the thread's are loaded. A
thread that never uses floating point costs nothing, and an instruction that is illegal even to the owner is
illegal. Manual: "Thread Feature Flags".
"""

from __future__ import annotations

from typing import Final

from pith.metal import assembly, machine, u64
from pith.metal.machine import csr_clear, csr_set

from ..objects import Thread
from ..state import kernel
from .csr import SSTATUS_FS

FPU_DISABLED: Final = 1  # in Thread.flags


def prepare(thread: Thread) -> None:
    """Switch floating point on for the owner of the registers, and off for all others."""
    if thread is kernel.fpu_owner:
        kernel.fpu_is_on = True
        csr_set("sstatus", SSTATUS_FS)
    elif kernel.fpu_is_on:
        kernel.fpu_is_on = False
        csr_clear("sstatus", SSTATUS_FS)


def take(thread: Thread) -> bool:
    """Make `thread` the owner, whose instruction was found illegal; False if it is that anyway."""
    if thread is kernel.fpu_owner or thread.flags & FPU_DISABLED:
        return False
    csr_set("sstatus", SSTATUS_FS)
    kernel.fpu_is_on = True
    owner = kernel.fpu_owner
    if owner is not None:
        _save(owner.float_registers.address)
    _restore(thread.float_registers.address)
    kernel.fpu_owner = thread
    return True


def save(thread: Thread) -> None:
    """Bring the thread's registers home: it may not use them any more, or someone wants to see them."""
    if thread is kernel.fpu_owner:
        csr_set("sstatus", SSTATUS_FS)
        _save(thread.float_registers.address)
        csr_clear("sstatus", SSTATUS_FS)
        kernel.fpu_is_on = False
        kernel.fpu_owner = None


def release(thread: Thread) -> None:
    """Forget the thread's registers: it ends."""
    if thread is kernel.fpu_owner:
        kernel.fpu_owner = None


def _transfer_text(move: str, status: str) -> str:
    """Assembly that moves all registers to or from the 33 words at a0."""
    moves = "".join(f"{move} f{number}, {8 * number}(a0)\n" for number in range(32))
    return f".option push\n.option arch, +d\n{moves}{status}.option pop\nret\n"


@assembly(_transfer_text("fsd", "frcsr t0\nsd t0, 256(a0)\n"))
def _save(registers: u64) -> None:
    machine.processor.save_float(registers)


@assembly(_transfer_text("fld", "ld t0, 256(a0)\nfscsr t0\n"))
def _restore(registers: u64) -> None:
    machine.processor.restore_float(registers)
