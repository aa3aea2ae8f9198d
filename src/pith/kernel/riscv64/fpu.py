"""Floating point: one processor's registers for all threads that use it, at the cost of what has to be moved.

The registers hold the state of `kernel.fpu_owner`. A thread that does not use floating point leaves them where they are: it runs
with floating point off, and costs nothing. Its first such instruction traps as illegal; from then on it counts as
one that uses it, and gets the registers at every switch to it, without a trap. What is moved then is the least that is
right: nothing if the thread owns them still; else its own in, and before that the owner's out, if sstatus.FS says
that they changed since they were brought in.

An owner whose registers come back unchanged several times in a row has stopped using them, and is from then on one that does not.
A needless exchange costs about a quarter of a trap, so `PATIENCE` exchanges are what guessing wrong may cost: never more than twice what one
would pay who knew the future.

Invariants: the owner counts as using floating point, and so does no thread that is denied it; floating point is on only
for the owner (while nobody runs, for who was). An instruction that is illegal with floating point on is illegal.

Manual: "Thread Feature Flags". Privileged specification, "Extension Context Status in mstatus Register": a kernel may keep FS at
Clean and Dirty alone.
"""

from __future__ import annotations

from typing import Final

from pith.metal import assembly, cold, inline, machine, u64
from pith.metal.machine import csr_clear, csr_read, csr_read_and_clear, csr_set

from ..objects import Thread
from ..state import kernel
from .csr import SSTATUS_FS, SSTATUS_FS_DIRTY

FPU_DISABLED: Final = 1  # in Thread.flags
PATIENCE: Final = 4  # exchanges; see above
ON: Final = 0  # in kernel.fpu_status


def initialise() -> None:
    """Floating point is off (entry.py), and nobody's."""
    kernel.fpu_status = SSTATUS_FS


@inline
def prepare(thread: Thread) -> None:
    """Give a thread that uses floating point its registers; switch it off for any other."""
    if thread.float_use != 0:
        _give(thread)
    elif kernel.fpu_status == ON:
        kernel.fpu_status = csr_read_and_clear("sstatus", SSTATUS_FS)


@inline
def _give(thread: Thread) -> None:
    """Switch floating point on, with the thread's registers."""
    if thread is not kernel.fpu_owner:
        csr_clear("sstatus", _exchange(thread))
    elif kernel.fpu_status != ON:
        _switch_on()


@inline
def _switch_on() -> None:
    """Only FS changes: all else in sstatus is the same in every entry."""
    csr_set("sstatus", kernel.fpu_status)
    kernel.fpu_status = ON


@cold
def _exchange(thread: Thread) -> u64:
    """Bring the thread's registers in, and before that the owner's out if they changed.

    Returns what is to be cleared in sstatus then. (A cold function with a result keeps no registers for its callers, which
    the transfer would make it save first.)
    """
    if kernel.fpu_status != ON:
        _switch_on()
    owner = kernel.fpu_owner
    kernel.fpu_owner = thread
    if owner is not None and _has_changed(owner):
        owner.float_use = PATIENCE
        return _swap(thread.float_registers.address, owner.float_registers.address)
    if owner is not None:
        owner.float_use -= 1
    return _restore(thread.float_registers.address)


@inline
def _has_changed(owner: Thread) -> bool:
    """Whether the registers are not those that the owner has in memory.

    An instruction that only raises flags must make the state dirty as well, but emulators forget it.
    """
    return csr_read("sstatus") & SSTATUS_FS_DIRTY != 0 or csr_read("fcsr") != owner.float_status


def take(thread: Thread) -> bool:
    """Let `thread` use floating point, whose instruction was found illegal; False if that was not for being off."""
    if kernel.fpu_status == ON or thread.flags & FPU_DISABLED:
        return False
    thread.float_use = PATIENCE
    _give(thread)
    return True


def deny(thread: Thread) -> None:
    """The thread may not use floating point any more; its registers are brought home."""
    thread.float_use = 0
    if thread is kernel.fpu_owner:
        csr_set("sstatus", SSTATUS_FS)
        _save(thread.float_registers.address)
        csr_clear("sstatus", SSTATUS_FS)
        kernel.fpu_status = SSTATUS_FS
        kernel.fpu_owner = None


def release(thread: Thread) -> None:
    """Forget the thread's registers: it ends."""
    if thread is kernel.fpu_owner:
        kernel.fpu_owner = None


def _transfer_text(*moves: str) -> str:
    return f".option push\n.option arch, +d\n{''.join(moves)}.option pop\nret\n"


def _out(base: str) -> str:
    """Assembly that saves all registers as 33 words."""
    return "".join(f"fsd f{n}, {8 * n}({base})\n" for n in range(32)) + f"frcsr t0\nsd t0, 256({base})\n"


def _in(base: str) -> str:
    """Assembly that loads them, which makes them dirty, and returns what to clear in sstatus to say that they are not."""
    loads = "".join(f"fld f{n}, {8 * n}({base})\n" for n in range(32))
    return f"{loads}ld t0, 256({base})\nfscsr t0\nli a0, {SSTATUS_FS_DIRTY}\n"


@assembly(_transfer_text(_out("a0")))
def _save(to: u64) -> None:
    machine.processor.save_float(to)


@assembly(_transfer_text(_in("a0")))
def _restore(source: u64) -> u64:
    machine.processor.restore_float(source)
    return SSTATUS_FS_DIRTY


@assembly(_transfer_text(_out("a1"), _in("a0")))
def _swap(source: u64, to: u64) -> u64:
    machine.processor.save_float(to)
    machine.processor.restore_float(source)
    return SSTATUS_FS_DIRTY
