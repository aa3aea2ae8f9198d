"""The layout of every kernel object and every capability, on one page.

Every object lies in memory that user level gave (retyped from an untyped), at its own size, and every
capability in a 32-byte slot. Objects refer to one another directly; a reference inside an object is valid
as long as the object lives, because whatever ends an object (derivation.py) first takes it out of
everything that refers to it.

    Slot          a capability and its place in the derivation tree; a CNode is an array of them
    Thread        registers, state, scheduling parameters, five slots, its queues' links
    Endpoint      threads waiting to send, or to receive
    Notification  a word of badges, or threads waiting for it
    Reply         one link of a call chain
    SchedContext  time: a budget cut into refills
    PageTable     512 entries
    ASIDPool      512 address spaces

A capability is a packed value of two words: its type in the lowest five bits, the object's address in bits
24-63 (40 bits, sign-extended: every kernel object lies in the window of physical memory at the top of the
address space), rights and sizes between, badge or mapping in the second word.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

from pith.abi.objects import REFILL_BYTES, SCHED_CONTEXT_CORE_BYTES, WORD_BITS
from pith.metal import (
    Array,
    Inline,
    Packed,
    Struct,
    array,
    bits,
    u1,
    u2,
    u6,
    u7,
    u8,
    u16,
    u32,
    u40,
    u48,
    u64,
)

# Capabilities ---------------------------------------------------------------------------------------------


class NullCap(Packed, bits=128, tag=0, tag_bits=5):
    """No capability: an empty slot."""


class UntypedCap(Packed, bits=128, tag=1, tag_bits=5):
    """Memory `base`..`base + 2**size_bits` (physical), of which the first `watermark` bytes have become objects."""

    size_bits: u6
    is_device: bool
    base: u40 = bits(at=24)
    watermark: u48 = bits(at=64)


class EndpointCap(Packed, bits=128, tag=2, tag_bits=5):
    can_send: bool
    can_receive: bool
    can_grant: bool
    can_grant_reply: bool
    endpoint: Endpoint = bits(at=24, width=40)
    badge: u64 = bits(at=64)


class NotificationCap(Packed, bits=128, tag=3, tag_bits=5):
    can_send: bool
    can_receive: bool
    notification: Notification = bits(at=24, width=40)
    badge: u64 = bits(at=64)


class ReplyCap(Packed, bits=128, tag=4, tag_bits=5):
    can_grant: bool
    reply: Reply = bits(at=24, width=40)


class CNodeCap(Packed, bits=128, tag=5, tag_bits=5):
    """2**radix slots, found under a guard: bits that must equal `guard`, then the index.

    `bits_below` of a word's bits are left for CNodes below this one. It stands right behind the tag, so that one
    comparison tells a CSpace that is a single CNode.
    """

    bits_below: u6
    radix: u6
    cnode: Slot = bits(at=24, width=40)
    guard: u64 = bits(at=64)

    @property
    def guard_size(self) -> u7:
        """How many bits the guard has."""
        return WORD_BITS - self.radix - self.bits_below


class ThreadCap(Packed, bits=128, tag=6, tag_bits=5):
    thread: Thread = bits(at=24, width=40)


class SchedContextCap(Packed, bits=128, tag=7, tag_bits=5):
    size_bits: u6
    context: SchedContext = bits(at=24, width=40)


class SchedControlCap(Packed, bits=128, tag=8, tag_bits=5):
    core: u8


class IRQControlCap(Packed, bits=128, tag=9, tag_bits=5):
    """The right to make IRQHandler capabilities."""


class IRQHandlerCap(Packed, bits=128, tag=10, tag_bits=5):
    irq: u16


class DomainCap(Packed, bits=128, tag=11, tag_bits=5):
    """The right to put threads into domains and to set the domain schedule."""


class FrameCap(Packed, bits=128, tag=12, tag_bits=5):
    """A page of physical memory, perhaps mapped at `mapped_address` in address space `asid` (0: not mapped)."""

    size: FrameSize
    can_write: bool
    can_read: bool
    is_device: bool
    base: u40 = bits(at=24)
    asid: u16 = bits(at=64)
    mapped_address: u48 = bits(at=80)


class PageTableCap(Packed, bits=128, tag=13, tag_bits=5):
    """A page table, perhaps mapped at `mapped_address` in `asid`, or (is_mapped, address 0) the root of it."""

    is_mapped: bool
    is_root: bool
    table: PageTable = bits(at=24, width=40)
    asid: u16 = bits(at=64)
    mapped_address: u48 = bits(at=80)


class ASIDControlCap(Packed, bits=128, tag=14, tag_bits=5):
    """The right to make ASID pools."""


class ASIDPoolCap(Packed, bits=128, tag=15, tag_bits=5):
    """The pool of the 512 ASIDs from `base_asid`."""

    base_asid: u16
    pool: ASIDPool = bits(at=24, width=40)


class ZombieCap(Packed, bits=128, tag=16, tag_bits=5):
    """A CNode or thread being torn down: `remaining` slots at `slots` are still to be emptied.

    `radix` is the CNode's; for a thread `is_thread` is set and the slots are the thread's own.
    """

    radix: u6
    is_thread: bool
    slots: Slot = bits(at=24, width=40)
    remaining: u64 = bits(at=64)


Cap: TypeAlias = (
    NullCap
    | UntypedCap
    | EndpointCap
    | NotificationCap
    | ReplyCap
    | CNodeCap
    | ThreadCap
    | SchedContextCap
    | SchedControlCap
    | IRQControlCap
    | IRQHandlerCap
    | DomainCap
    | FrameCap
    | PageTableCap
    | ASIDControlCap
    | ASIDPoolCap
    | ZombieCap
)


class FrameSize(IntEnum):
    """4 KiB, 2 MiB, 1 GiB: the level of the page table that maps it."""

    PAGE = 0
    MEGA = 1
    GIGA = 2


class DerivationLink(Packed, bits=64):
    """A slot's successor in the derivation order, and what derivation may do from here.

    `revocable`: capabilities derived from this one are its children. `first_badged`: the first of a family
    of equal badges, where cancelling badged sends begins.
    """

    revocable: bool
    first_badged: bool
    next: Slot | None = bits(at=2, width=62, shift=2)


class Slot(Struct, size=32):
    """A capability, and its neighbours in the derivation order (a preorder walk of the derivation tree)."""

    cap: Cap
    previous: Slot | None
    link: DerivationLink


# Threads -------------------------------------------------------------------------------------------------


class Register(IntEnum):
    """Index of a register in a thread's saved context: x1..x31 less one, then the two that a trap sets."""

    RA = 0
    SP = 1
    GP = 2
    TP = 3
    T0 = 4
    T1 = 5
    T2 = 6
    S0 = 7
    S1 = 8
    A0 = 9
    A1 = 10
    A2 = 11
    A3 = 12
    A4 = 13
    A5 = 14
    A6 = 15
    A7 = 16
    S2 = 17
    S3 = 18
    S4 = 19
    S5 = 20
    S6 = 21
    S7 = 22
    S8 = 23
    S9 = 24
    S10 = 25
    S11 = 26
    T3 = 27
    T4 = 28
    T5 = 29
    T6 = 30
    NEXT_PC = 31  # where the thread goes on
    FAULT_PC = 32  # the instruction that trapped


REGISTER_COUNT: Final = 33
ECALL_BYTES: Final = 4  # from FAULT_PC to what stands behind a system call


class ThreadState(IntEnum):
    """What a thread is doing. The blocked states say which queue it stands in."""

    INACTIVE = 0
    RUNNING = 1
    RESTART = 2
    BLOCKED_ON_RECEIVE = 3  # in the endpoint's queue; wait_reply is the reply object it brought
    BLOCKED_ON_SEND = 4  # in the endpoint's queue, with wait_badge and the wait_ rights
    BLOCKED_ON_REPLY = 5  # in a call chain: wait_reply is the link that names it as caller
    BLOCKED_ON_NOTIFICATION = 6  # in the notification's queue
    IDLE = 7  # the idle thread only


class FaultKind(IntEnum):
    """Which fault a thread is in; the words of Thread.fault_words depend on it."""

    NONE = 0
    CAPABILITY = 1  # address, in receive phase, lookup failure kind, and that failure's words
    UNKNOWN_SYSCALL = 2  # number
    USER_EXCEPTION = 3  # number, code
    TIMEOUT = 5  # badge of the scheduling context
    VM = 6  # address, fault status, was an instruction fetch


class ThreadQueue(Struct, size=16):
    """A queue of threads: an endpoint's or notification's, or one priority's ready queue."""

    head: Thread | None
    tail: Thread | None


class Usage(Struct):
    """What a thread had of the processor; benchmark builds count it."""

    cycles: u64  # that it was the current thread
    switches: u64  # to it
    kernel_cycles: u64  # of `cycles`, those in the kernel
    kernel_entries: u64


class Thread(Struct, size=2048):
    """A thread (TCB object).

    What a call and its answer look at stands so that they touch few cache lines: the first holds all that is
    asked of a thread which goes on, beside its registers and NEXT_PC, which fill the next four; the sixth, up to
    slots[CSPACE], what is asked besides of one which made a system call.
    """

    wait_reply: Reply | None  # first, and nothing while the thread runs: handover.py relies on both
    state: ThreadState
    is_ready: bool  # in a ready queue
    is_postponed: bool  # in the release queue
    priority: u8
    max_priority: u8  # the maximum controlled priority
    domain: u8
    float_use: u8  # it uses floating point: how often its registers may come back unchanged; see fpu.py
    fault_kind: FaultKind

    context: SchedContext | None  # the time that it runs on
    yielding_to: SchedContext | None
    satp: u64  # its address space, as was found in `space_epoch`; see vspace.py
    space_epoch: u64
    wait_endpoint: Endpoint | None
    queue_next: Thread | None  # in the one queue of threads that it stands in, see queue.py

    registers: Array[u64] = array(REGISTER_COUNT, offset=64)  # what entry.py's assembly saves and loads

    wait_notification: Notification | None
    bound_notification: Notification | None
    queue_previous: Thread | None

    # The thread's own capabilities; entry i of Thread's slots, see ThreadSlot.
    slots: Array[Slot] = array(5, offset=352)

    wait_badge: u64
    wait_since: u64  # when it became a sender that waits
    wait_can_grant: bool
    wait_can_grant_reply: bool
    wait_is_call: bool
    flags: u8  # see thread_invocation.py

    buffer_offset: u64  # of the IPC buffer in its frame, which is in slots[BUFFER]
    fault_words: Array[u64] = array(6)
    float_registers: Array[u64] = array(32)
    float_status: u64

    queue_above: Thread | None  # while it is the last of its priority in a queue, see queue.py

    # In the release queue, see release.py.
    release_time: u64
    release_parent: Thread | None
    release_left: Thread | None
    release_right: Thread | None
    release_rank: u8

    name: Array[u8] = array(32, offset=1024)  # debug builds: DebugNameThread
    complaint: u64  # debug builds: label and error of the last failure that was told of
    usage: Inline[Usage]


class ThreadSlot(IntEnum):
    """Index into Thread.slots."""

    CSPACE = 0
    VSPACE = 1
    BUFFER = 2
    FAULT_HANDLER = 3
    TIMEOUT_HANDLER = 4


# Communication --------------------------------------------------------------------------------------------


class Endpoint(Struct, size=16):
    """Threads waiting to send or to receive, never both: the state of the first tells which."""

    queue: Inline[ThreadQueue]


class NotificationState(IntEnum):
    IDLE = 0
    WAITING = 1
    ACTIVE = 2


class Notification(Struct, size=64):
    """A word in which signals' badges gather (ACTIVE), or threads that wait for one (WAITING)."""

    queue: Inline[ThreadQueue]
    badge: u64
    state: NotificationState
    bound_thread: Thread | None
    context: SchedContext | None


class Reply(Struct, size=32):
    """A caller that waits for its answer, and its place in the stack of calls that one scheduling context made.

    `caller` waits (BLOCKED_ON_REPLY), or is a receiver that brought this object (BLOCKED_ON_RECEIVE).
    `previous` is the call below; `next` the call above; the top of the stack has `context` instead.
    """

    caller: Thread | None
    previous: Reply | None
    next: Reply | None
    context: SchedContext | None


# Time -----------------------------------------------------------------------------------------------------


class Refill(Struct, size=16):
    """`amount` ticks of budget that may be used from `time` on."""

    time: u64
    amount: u64


MIN_REFILLS: Final = 2  # of every scheduling context; they lie in its core


class SchedContext(Struct, size=SCHED_CONTEXT_CORE_BYTES - MIN_REFILLS * REFILL_BYTES):
    """The right to `budget` ticks in every `period`, as a ring of refills that stands right behind these fields.

    Times and amounts are timer ticks. `refill_max` 0 means not configured. A period of 0 is round robin.
    """

    period: u64
    budget: u64
    consumed: u64
    badge: u64
    refill_max: u32
    refill_head: u32  # index of the first
    refill_count: u32
    core: u8
    sporadic: bool
    thread: Thread | None  # that runs on it now
    reply: Reply | None  # top of the stack of calls it was donated through
    notification: Notification | None
    yielding_from: Thread | None


# Address spaces -------------------------------------------------------------------------------------------


class PageTableEntry(Packed, bits=64):
    """Sv39 (privileged specification, 4.4): a leaf if any of read, write, execute; else the next table."""

    valid: u1 = 0
    read: u1 = 0
    write: u1 = 0
    execute: u1 = 0
    user: u1 = 0
    is_global: u1 = 0
    accessed: u1 = 0
    dirty: u1 = 0
    software: u2 = 0
    frame: u40 = bits(at=10, default=0)  # physical address over 4096


class PageTable(Struct, size=4096, align=4096):
    entries: Array[PageTableEntry] = array(512)


class ASIDPool(Struct, size=4096, align=4096):
    roots: Array[PageTable | None] = array(512)
