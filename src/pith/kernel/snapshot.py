"""A snapshot: the whole system as text in capDL, the language in which seL4's tools describe systems.

    objects {
    tcb_0x80604000 = tcb (prio: 100, max_prio: 100, ip: 0x10120) -- driver
    ep_0x80500010 = ep
    }
    caps {
    cnode_0x80402000 {
    0x1: tcb_0x80604000
    0x7: ep_0x80500010 (RWG, badge: 0x2)
    }
    }

An object is called by its kind and its physical address. The kernel has no list of its objects, but every capability
stands in one derivation order with those it was made from, back to one that boot made. So a walk along each order that
passes through the initial CNode finds all capabilities, those of one object beside one another; what was made of
memory that the initial CNode has given away altogether is not found.

capDL: "The capDL language specification". Manual: API reference, "Debugging System Calls".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.objects import PAGE_BITS
from pith.metal import MASK64, u5, u9, u48, u64

from .capability import has_children, same_object
from .cspace import slot_at
from .debug import line, put, put_name, put_thread, put_word
from .objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    EndpointCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    PageTableEntry,
    Register,
    SchedContextCap,
    SchedControlCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    UntypedCap,
)
from .riscv64.vspace import ENTRIES, USER_ENTRIES, is_table, table_of
from .riscv64.window import physical_of
from .state import interrupts, kernel

# By the capabilities' tags.
KINDS: Final = """\
null
ut
ep
notification
rtreply
cnode
tcb
sc
sched_control
irq_control
irq
domain
frame
pt
asid_control
asid_pool
zombie
"""
NOTIFICATION: Final = 3
SCHED_CONTEXT: Final = 7
PAGE_TABLE: Final = 13
FRAME_SIZES: Final = "4k\n2M\n1G\n"
THREAD_SLOTS: Final = "cspace\nvspace\nipc_buffer_slot\nfault_ep_slot\ntimeout_ep_slot\n"
STATES: Final = """\
inactive
runnable
restarts
receives
sends
calls
listens
idle
"""  # by ThreadState
SIGN: Final = 1 << 39
ADDRESS_BITS: Final = (1 << 40) - 1


class Part(IntEnum):
    """What is printed of each object."""

    OBJECTS = 0
    CAPS = 1
    UNSCHEDULED = 2


def take() -> None:
    """Print it."""
    put("arch riscv\nobjects {\n")
    _walk(Part.OBJECTS)
    put("}\ncaps {\n")
    _walk(Part.CAPS)
    put("}\n")


def put_unscheduled() -> None:
    """Print the threads that the scheduler does not know of now, a line each."""
    _walk(Part.UNSCHEDULED)


# Finding objects --------------------------------------------------------------------------------------------


def _walk(part: Part) -> None:
    """Print every object, or what it contains, at the first of its capabilities."""
    for index in range(1 << kernel.root.radix):
        entry = slot_at(kernel.root, index)
        if isinstance(entry.cap, NullCap) or not _leads(entry):
            continue
        slot: Slot | None = _first_of_order(entry)
        while slot is not None:
            before = slot.previous
            if before is None or not _is_same(before.cap, slot.cap):
                match part:
                    case Part.OBJECTS:
                        _put_object(slot)
                    case Part.CAPS:
                        _put_contents(slot.cap)
                    case Part.UNSCHEDULED:
                        _put_if_unscheduled(slot.cap)
            slot = slot.link.next


def _leads(entry: Slot) -> bool:
    """Whether the slot is the lowest of the initial CNode that stands in its derivation order."""
    other = entry.link.next
    while other is not None:
        if _is_below(other, entry):
            return False
        other = other.link.next
    other = entry.previous
    while other is not None:
        if _is_below(other, entry):
            return False
        other = other.previous
    return True


def _is_below(slot: Slot, entry: Slot) -> bool:
    return kernel.root.cnode.address <= slot.address < entry.address


def _first_of_order(slot: Slot) -> Slot:
    first = slot
    before = slot.previous
    while before is not None:
        first = before
        before = first.previous
    return first


def _is_same(cap: Cap, other: Cap) -> bool:
    """Whether both are called the same."""
    if isinstance(cap, UntypedCap):
        return isinstance(other, UntypedCap) and cap.base == other.base and cap.size_bits == other.size_bits
    return same_object(cap, other)


# Objects ----------------------------------------------------------------------------------------------------


def _put_object(slot: Slot) -> None:
    """A line of the section `objects`; nothing for what is a capability only."""
    cap = slot.cap
    if isinstance(cap, (SchedControlCap, IRQControlCap, DomainCap, ASIDControlCap)):
        return
    _put_name(cap)
    put(" = ")
    put_word(KINDS, line(KINDS, cap.bits & 31))
    match cap:
        case UntypedCap(size_bits=size_bits, base=base):
            put(f" ({size_bits} bits, paddr: {base:#x}) -- {_used_bytes(slot):#x} bytes used")
        case CNodeCap(radix=radix):
            put(f" ({radix} bits)")
        case FrameCap(size=size, base=base):
            put(" (")
            put_word(FRAME_SIZES, line(FRAME_SIZES, int(size)))
            put(f", paddr: {base:#x})")
        case SchedContextCap(size_bits=size_bits, context=context):
            put(f" ({size_bits} bits, period: {context.period}, budget: {context.budget})")
        case ThreadCap(thread=thread):
            put(f" (prio: {thread.priority}, max_prio: {thread.max_priority}, dom: {thread.domain}, ")
            put(f"ip: {thread.registers[Register.NEXT_PC]:#x}) -- ")
            put_name(thread)
        case _:
            pass
    put("\n")


def _used_bytes(slot: Slot) -> u48:
    """How much of an untyped's memory is used now, given the first of its capabilities.

    Of copies, which stand in a row, only the last can have had objects made of it. A watermark without children
    tells what the next retype has to clear; all of that memory is free.
    """
    last = slot
    following = last.link.next
    while following is not None and _is_same(last.cap, following.cap):
        last = following
        following = last.link.next
    cap = last.cap
    return cap.watermark if isinstance(cap, UntypedCap) and has_children(last) else 0


def _put_if_unscheduled(cap: Cap) -> None:
    """A line about a thread that neither runs nor is in the queues which debug.dump_scheduler shows."""
    if not isinstance(cap, ThreadCap):
        return
    thread = cap.thread
    is_shown = thread.is_ready and thread.domain == kernel.current_domain
    if thread is kernel.current or thread.is_postponed or is_shown:
        return
    put_word(STATES, line(STATES, int(thread.state)))
    put(" ")
    put_thread(thread)


def _put_name(cap: Cap) -> None:
    """What the capability's object is called."""
    kind = cap.bits & 31
    match cap:
        case UntypedCap(size_bits=size_bits, base=base):
            put(f"ut_{size_bits}_{base:#x}")
        case IRQHandlerCap(irq=irq):
            put(f"irq_{irq}")
        case SchedControlCap() | IRQControlCap() | DomainCap() | ASIDControlCap():
            put_word(KINDS, line(KINDS, kind))
        case FrameCap(base=base):
            put(f"frame_{base:#x}")
        case _:
            address = cap.bits >> 24 & ADDRESS_BITS  # as capabilities keep it: sign-extended
            _put_reference(kind, ((address ^ SIGN) - SIGN) & MASK64)


def _put_reference(kind: u5, address: u64) -> None:
    """What the object of the kind is called that lies at that address of the window."""
    put_word(KINDS, line(KINDS, kind))
    put(f"_{physical_of(address):#x}")


# What they contain ------------------------------------------------------------------------------------------


def _put_contents(cap: Cap) -> None:
    """A paragraph of the section `caps`; nothing for an object that contains no others."""
    if not isinstance(cap, (CNodeCap, ThreadCap, PageTableCap, ASIDPoolCap, IRQHandlerCap)):
        return
    _put_name(cap)
    put(" {\n")
    match cap:
        case CNodeCap(radix=radix):
            for index in range(1 << radix):
                _put_slot(index, slot_at(cap, index).cap)
        case ThreadCap(thread=thread):
            _put_thread(thread)
        case PageTableCap(table=table, is_root=is_root):
            for index in range(USER_ENTRIES if is_root else ENTRIES):
                _put_entry(index, table.entries[index])
        case ASIDPoolCap(pool=pool):
            for index in range(ENTRIES):
                root = pool.roots[index]
                if root is not None:
                    put(f"{index:#x}: ")
                    _put_reference(PAGE_TABLE, root.address)
                    put("\n")
        case IRQHandlerCap(irq=irq):
            _put_slot(0, interrupts.slots[irq].cap)
    put("}\n")


def _put_slot(index: u64, cap: Cap) -> None:
    if not isinstance(cap, NullCap):
        put(f"{index:#x}: ")
        _put_cap(cap)


def _put_cap(cap: Cap) -> None:
    """The capability's object, and what the capability allows."""
    _put_name(cap)
    match cap:
        case EndpointCap(badge=badge):
            _put_rights(cap.can_receive, cap.can_send, cap.can_grant, cap.can_grant_reply)
            put(f", badge: {badge:#x})")
        case NotificationCap(badge=badge):
            _put_rights(cap.can_receive, cap.can_send, False, False)
            put(f", badge: {badge:#x})")
        case CNodeCap() as node:
            put(f" (guard: {node.guard:#x}, guard_size: {node.guard_size})")
        case FrameCap(asid=asid, mapped_address=address):
            _put_rights(cap.can_read, cap.can_write, False, False)
            if asid:
                put(f", asid: {asid}, vaddr: {address:#x}")
            put(")")
        case PageTableCap(is_mapped=True, asid=asid, mapped_address=address):
            put(f" (asid: {asid}, vaddr: {address:#x})")
        case _:
            pass
    put("\n")


def _put_rights(can_read: bool, can_write: bool, can_grant: bool, can_grant_reply: bool) -> None:
    """The rights by their letters, in a parenthesis that the caller closes."""
    put(" (")
    if can_read:
        put("R")
    if can_write:
        put("W")
    if can_grant:
        put("G")
    if can_grant_reply:
        put("P")


def _put_thread(thread: Thread) -> None:
    """The thread's own slots, then what is bound to it."""
    for index in range(len(ThreadSlot)):
        cap = thread.slots[index].cap
        if not isinstance(cap, NullCap):
            put_word(THREAD_SLOTS, line(THREAD_SLOTS, index))
            put(": ")
            _put_cap(cap)
    context, notification = thread.context, thread.bound_notification
    if context is not None:
        put("sc_slot: ")
        _put_reference(SCHED_CONTEXT, context.address)
        put("\n")
    if notification is not None:
        put("notification_slot: ")
        _put_reference(NOTIFICATION, notification.address)
        put("\n")


def _put_entry(index: u9, entry: PageTableEntry) -> None:
    """What a page table's entry leads to."""
    if entry.valid:
        put(f"{index:#x}: ")
        if is_table(entry):
            _put_reference(PAGE_TABLE, table_of(entry).address)
        else:
            put(f"frame_{entry.frame << PAGE_BITS:#x}")
        put("\n")
