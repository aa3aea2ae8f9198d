"""Threads (TCB: thread control block).

A thread is a set of registers, a capability space, an address space, a priority, and someone to tell about
its faults. It runs only while it has a scheduling context as well (sched_context.py): time is a thing of its
own.
"""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.abi.messages import CNodeData
from pith.abi.objects import WORD_BITS
from pith.metal import Array, Struct, u6, u8, u64

from .capability import CPtr
from .invocation import invoke, pass_cap
from .process import ipc_buffer

USER_CONTEXT_WORDS: Final = 32


class UserContext(Struct, size=256):
    """The registers of a thread, in the order in which they are read and written."""

    pc: u64
    ra: u64
    sp: u64
    gp: u64
    s0: u64
    s1: u64
    s2: u64
    s3: u64
    s4: u64
    s5: u64
    s6: u64
    s7: u64
    s8: u64
    s9: u64
    s10: u64
    s11: u64
    a0: u64
    a1: u64
    a2: u64
    a3: u64
    a4: u64
    a5: u64
    a6: u64
    a7: u64
    t0: u64
    t1: u64
    t2: u64
    t3: u64
    t4: u64
    t5: u64
    t6: u64
    tp: u64


def words_of(context: UserContext) -> Array[u64]:
    """The registers as a row of words."""
    return Array[u64].at(context.address, USER_CONTEXT_WORDS)


def read_registers(thread: CPtr, suspend_source: bool, context: UserContext) -> None:
    """Read all registers into `context`; stop the thread first, if asked."""
    answer = invoke(thread, Label.TCB_READ_REGISTERS, 2, int(suspend_source), USER_CONTEXT_WORDS)
    words, buffer = words_of(context), ipc_buffer()
    words[0] = answer.word0
    words[1] = answer.word1
    words[2] = answer.word2
    words[3] = answer.word3
    for i in range(4, USER_CONTEXT_WORDS):
        words[i] = buffer.words[i]


def write_registers(thread: CPtr, resume_target: bool, context: UserContext) -> None:
    """Set all registers from `context`; let the thread run, if asked."""
    words, buffer = words_of(context), ipc_buffer()
    for i in range(2, USER_CONTEXT_WORDS):
        buffer.words[i + 2] = words[i]
    length = USER_CONTEXT_WORDS + 2
    flags = int(resume_target)
    invoke(thread, Label.TCB_WRITE_REGISTERS, length, flags, USER_CONTEXT_WORDS, words[0], words[1])


def copy_registers(
    thread: CPtr,
    source: CPtr,
    suspend_source: bool,
    resume_target: bool,
    transfer_frame: bool,
    transfer_integer: bool,
) -> None:
    """Copy registers from the thread `source`: program counter and the like (`frame`), the rest (`integer`)."""
    pass_cap(0, source)
    stopping = int(suspend_source) | int(resume_target) << 1
    flags = stopping | int(transfer_frame) << 2 | int(transfer_integer) << 3
    invoke(thread, Label.TCB_COPY_REGISTERS, 1, flags, caps=1)


def guard(radix: u6) -> CNodeData:
    """The guard that makes a lone CNode of 2**radix slots a whole capability space: the upper bits are zero."""
    return CNodeData(guard_size=WORD_BITS - radix, guard=0)


def configure(
    thread: CPtr,
    cspace_root: CPtr,
    cspace_data: CNodeData,
    vspace_root: CPtr,
    buffer_address: u64,
    buffer_frame: CPtr,
) -> None:
    """Give the thread its capability space, its address space and its IPC buffer."""
    pass_cap(0, cspace_root)
    pass_cap(1, vspace_root)
    pass_cap(2, buffer_frame)
    invoke(thread, Label.TCB_CONFIGURE, 3, cspace_data.bits, 0, buffer_address, caps=3)


def set_space(
    thread: CPtr, fault_endpoint: CPtr, cspace_root: CPtr, cspace_data: CNodeData, vspace_root: CPtr
) -> None:
    """Give the thread a fault handler, a capability space and an address space."""
    pass_cap(0, fault_endpoint)
    pass_cap(1, cspace_root)
    pass_cap(2, vspace_root)
    invoke(thread, Label.TCB_SET_SPACE, 2, cspace_data.bits, 0, caps=3)


def set_priority(thread: CPtr, authority: CPtr, priority: u8) -> None:
    """Set the priority, which must not exceed what the thread `authority` may give."""
    pass_cap(0, authority)
    invoke(thread, Label.TCB_SET_PRIORITY, 1, priority, caps=1)


def set_mc_priority(thread: CPtr, authority: CPtr, maximum: u8) -> None:
    """Set the maximum controlled priority: the highest that the thread may give itself or others."""
    pass_cap(0, authority)
    invoke(thread, Label.TCB_SET_MC_PRIORITY, 1, maximum, caps=1)


def set_sched_params(
    thread: CPtr, authority: CPtr, maximum: u8, priority: u8, sched_context: CPtr, fault_endpoint: CPtr
) -> None:
    """Set all that scheduling asks for, and who is told about faults."""
    pass_cap(0, authority)
    pass_cap(1, sched_context)
    pass_cap(2, fault_endpoint)
    invoke(thread, Label.TCB_SET_SCHED_PARAMS, 2, maximum, priority, caps=3)


def set_timeout_endpoint(thread: CPtr, endpoint: CPtr) -> None:
    """Who is told when the thread has used up its time; without one it just waits for more."""
    pass_cap(0, endpoint)
    invoke(thread, Label.TCB_SET_TIMEOUT_ENDPOINT, caps=1)


def set_ipc_buffer(thread: CPtr, address: u64, frame: CPtr) -> None:
    """Move the thread's IPC buffer."""
    pass_cap(0, frame)
    invoke(thread, Label.TCB_SET_IPC_BUFFER, 1, address, caps=1)


def suspend(thread: CPtr) -> None:
    """Stop the thread, wherever it is."""
    invoke(thread, Label.TCB_SUSPEND)


def resume(thread: CPtr) -> None:
    """Let the thread go on."""
    invoke(thread, Label.TCB_RESUME)


def bind_notification(thread: CPtr, notification: CPtr) -> None:
    """Let signals to `notification` also wake the thread while it waits at an endpoint."""
    pass_cap(0, notification)
    invoke(thread, Label.TCB_BIND_NOTIFICATION, caps=1)


def unbind_notification(thread: CPtr) -> None:
    """Undo `bind_notification`."""
    invoke(thread, Label.TCB_UNBIND_NOTIFICATION)


def set_tls_base(thread: CPtr, base: u64) -> None:
    """Set the register that thread-local storage is found by (tp)."""
    invoke(thread, Label.TCB_SET_TLS_BASE, 1, base)


def set_flags(thread: CPtr, clear: u64, set: u64) -> u64:
    """Change the thread's feature flags (bit 0: no floating point); returns them as they are now."""
    return invoke(thread, Label.TCB_SET_FLAGS, 2, clear, set).word0
