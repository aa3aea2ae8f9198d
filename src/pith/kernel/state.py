"""Everything the kernel remembers, on one page.

All of it is one static instance, `kernel`: the objects themselves live in memory that user level gave.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.messages import MESSAGE_MAX_CAPS, IPCBuffer
from pith.metal import Array, Struct, array, static, u8, u16, u32, u34, u64

from .objects import ASIDPool, CNodeCap, Endpoint, PageTable, SchedContext, Slot, Thread, ThreadQueue

PRIORITIES: Final = 256
DOMAINS: Final = 16
DOMAIN_SCHEDULE_LENGTH: Final = 100  # the last entry stays an end marker, so 0 to 98 can be set
UNTOLD: Final = 2  # in irq_active: claimed while its notification was ending; the next one is to be signalled
IRQ_COUNT: Final = 97  # numbers 1..95 are the PLIC's sources; 0 is none
TIMER_IRQ: Final = 96  # nobody can have it: the timer is the kernel's own, and no line of the PLIC
ASID_POOLS: Final = 128


class ReadyQueues(Struct):
    """One domain's ready threads: a queue per priority, and a bitmap of those that are not empty.

    The bitmap goes by rank, the number of priorities above one's own: the lowest bit that is set is the first to
    run, and is found quickly. Bit r % 64 of bitmap[r // 64] is set exactly when queues[255 - r] has a thread;
    bit w of `words` when bitmap[w] is not 0. The current thread is in no ready queue (Benno scheduling).
    """

    words: u64
    bitmap: Array[u64] = array(PRIORITIES // 64)
    queues: Array[ThreadQueue] = array(PRIORITIES)


class DomainPeriod(Struct):
    """One entry of the domain schedule; a duration of 0 ends the schedule."""

    duration: u64  # ticks
    domain: u8


class SchedulerAction(IntEnum):
    """What the scheduler does at the kernel's exit."""

    KEEP = 0  # the current thread goes on, if it can
    SWITCH = 1  # to `next_thread`, unless another has a higher priority
    CHOOSE = 2  # the first of the highest priority


class KernelState(Struct, align=64):
    """The kernel's memory. What nearly every entry looks at comes first, and fits one cache line."""

    # Who runs, on whose time.
    current: Thread | None
    current_context: SchedContext | None
    scheduler_action: SchedulerAction
    current_domain: u8
    best_rank: u16  # of the current domain's ready threads; 256 if there are none

    # What the processor is set to: whose floating point registers it holds, and the address space.
    fpu_status: u64  # sstatus as it was when floating point was switched off; 0 while it is on
    fpu_owner: Thread | None
    current_root: u64  # satp as it stands
    space_epoch: u64  # how often it changed who has which address space; from 1, for new threads are of none

    # Time, in ticks of the timer.
    now: u64  # at kernel entry
    quiet_until: u64  # nothing that time brings is due before; 0 if that is to be found
    used_since: u64  # since when the use of the current context is not charged yet
    ticks_per_second: u34  # the timebase; 10 MHz on QEMU's virt
    margin: u32  # what a kernel entry is reckoned to take; at least 1
    has_sstc: bool  # the supervisor sets its own timer

    # Who could run: the choice at the kernel's exit, and who waits for time. The ready threads are below, by domain.
    next_thread: Thread | None
    idle: Thread | None
    next_release: Thread | None  # the first of the threads that wait for their next refill, see release.py

    # The system call being served: what its message brought beyond registers.
    wants_answer: bool  # it is a call
    caller_buffer: IPCBuffer | None
    extra_slots: Array[Slot | None] = array(MESSAGE_MAX_CAPS)

    # The cancellation of badged sends that is under way, if there is one; see endpoint.py.
    cancel_endpoint: Endpoint | None  # whose senders; None: there is no cancellation
    cancel_badge: u64
    cancel_since: u64  # when it began: senders that came later are not meant
    cancel_next: Thread | None  # the sender to be looked at next; None: all have been
    cancel_owner: (
        Thread | None
    )  # whose system call it is, if that thread will do nothing else than make it again

    # Domains.
    domain_count: u8  # how many there are; boot.py sets it
    domain_index: u16
    domain_start: u16
    domain_end: u64  # when the current entry ends; with one domain never
    domain_schedule: Array[DomainPeriod] = array(DOMAIN_SCHEDULE_LENGTH)
    ready: Array[ReadyQueues] = array(DOMAINS)

    # Address spaces.
    asid_pools: Array[ASIDPool | None] = array(ASID_POOLS)
    kernel_root: PageTable | None  # maps nothing below the kernel

    # Interrupts: the controller's registers; the slot of each line's handler notification, and what the
    # line is doing.
    plic: u64
    plic_context: u32  # which of the controller's targets this hart's supervisor mode is
    irq_active: Array[u8] = array(IRQ_COUNT)

    # Where all capabilities began: the initial thread's CNode, for those who want to see the system.
    root: CNodeCap


class InterruptSlots(Struct, align=32):
    """slots[irq] holds the notification capability that interrupt `irq` signals."""

    slots: Array[Slot] = array(IRQ_COUNT)


kernel: Final = static(KernelState)
interrupts: Final = static(InterruptSlots)
