"""What kernel objects and capabilities are called where a person reads of them.

A thread goes by the name that a debug build gave it, anything else by its kind and address, less the window's
base: physical addresses are shorter, and the same on every machine.
"""

from __future__ import annotations

from enum import IntEnum

from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    FrameCap,
    FrameSize,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    SchedControlCap,
    Thread,
    ThreadCap,
    ThreadSlot,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.riscv64.window import WINDOW_BASE
from pith.metal import Struct

KINDS: dict[type[Struct], str] = {
    Thread: "thread",
    Endpoint: "endpoint",
    Notification: "notification",
    Reply: "reply",
    SchedContext: "context",
    PageTable: "page table",
    ASIDPool: "ASID pool",
}
THREAD_SLOTS = {
    ThreadSlot.CSPACE: "CSpace root",
    ThreadSlot.VSPACE: "VSpace root",
    ThreadSlot.BUFFER: "IPC buffer",
    ThreadSlot.FAULT_HANDLER: "fault handler",
    ThreadSlot.TIMEOUT_HANDLER: "timeout handler",
}
FRAME_SIZES = {FrameSize.PAGE: "4K", FrameSize.MEGA: "2M", FrameSize.GIGA: "1G"}


def place(address: int) -> str:
    """The physical address of what lies at `address` in the window, as people write it."""
    return f"{address - WINDOW_BASE if address >= WINDOW_BASE else address:#x}"


def debug_name(thread: Thread) -> str:
    """The name that DebugNameThread gave; empty if none did, or if it is no text."""
    raw = bytes(thread.name).split(b"\0")[0]
    return raw.decode("ascii") if raw.isascii() and raw.decode("ascii").isprintable() else ""


def name_of(item: Struct | None) -> str:
    """What an object is called: `thread "shell" at 0x80a00000`, `endpoint at 0x80a01000`."""
    if item is None:
        return "nothing"
    name = debug_name(item) if isinstance(item, Thread) else ""
    quoted = f' "{name}"' if name else ""
    return f"{KINDS.get(type(item), type(item).__name__.lower())}{quoted} at {place(item.address)}"


def state_name(state: IntEnum) -> str:
    """`blocked on receive` for BLOCKED_ON_RECEIVE."""
    return state.name.lower().replace("_", " ")


def size_name(size_bits: int) -> str:
    """`4K` for 12."""
    for unit, bits in (("G", 30), ("M", 20), ("K", 10)):
        if size_bits >= bits:
            return f"{1 << size_bits - bits}{unit}"
    return f"{1 << size_bits}"


def _rights(**given: bool) -> str:
    """`send, grant` of the rights that are given; `no rights` if none is."""
    return ", ".join(name.replace("_", "-") for name, has in given.items() if has) or "no rights"


def _badge(badge: int) -> str:
    return f", badge {badge:#x}" if badge else ""


def _mapping(is_mapped: bool, asid: int, address: int) -> str:
    return f", mapped at {address:#x} in space {asid}" if is_mapped else ""


def words_of(cap: Cap) -> str:
    """The capability in words: its kind, what it designates, and what it allows."""
    match cap:
        case UntypedCap() | FrameCap() | PageTableCap() | ASIDPoolCap():
            return _memory_words(cap)
        case EndpointCap(endpoint=endpoint, badge=badge):
            rights = _rights(
                send=cap.can_send,
                receive=cap.can_receive,
                grant=cap.can_grant,
                grant_reply=cap.can_grant_reply,
            )
            return f"{name_of(endpoint)}: {rights}{_badge(badge)}"
        case NotificationCap(notification=notification, badge=badge):
            return f"{name_of(notification)}: {_rights(send=cap.can_send, receive=cap.can_receive)}{_badge(badge)}"
        case ReplyCap(can_grant=can_grant, reply=reply):
            return f"{name_of(reply)}{': grant' if can_grant else ''}"
        case CNodeCap(radix=radix, guard_size=guard_size, cnode=cnode, guard=guard):
            guarded = f", guard {guard:#x} of {guard_size} bits" if guard_size else ""
            return f"CNode at {place(cnode.address)}: {1 << radix} slots{guarded}"
        case ThreadCap(thread=thread):
            return name_of(thread)
        case SchedContextCap(size_bits=size_bits, context=context):
            return f"{name_of(context)}: {size_name(size_bits)}"
        case ZombieCap(is_thread=is_thread, slots=slots, remaining=remaining):
            what = "thread" if is_thread else "CNode"
            return f"zombie of a {what}, slots at {place(slots.address)}: {remaining} to empty"
        case IRQHandlerCap(irq=irq):
            return f"interrupt {irq}"
        case SchedControlCap(core=core):
            return f"scheduling control of core {core}"
        case IRQControlCap():
            return "interrupt control"
        case DomainCap():
            return "domain control"
        case ASIDControlCap():
            return "ASID control"
        case NullCap():
            return "empty"


def _memory_words(cap: UntypedCap | FrameCap | PageTableCap | ASIDPoolCap) -> str:
    match cap:
        case UntypedCap(size_bits=size_bits, base=base, watermark=watermark, is_device=is_device):
            device = "device " if is_device else ""
            return f"{device}untyped at {base:#x}: {size_name(size_bits)}, {watermark} bytes used"
        case FrameCap(size=size, base=base, asid=asid, mapped_address=address):
            device = "device " if cap.is_device else ""
            rights = _rights(read=cap.can_read, write=cap.can_write)
            mapping = _mapping(asid != 0, asid, address)
            return f"{device}frame at {base:#x}: {FRAME_SIZES[size]}, {rights}{mapping}"
        case PageTableCap(is_root=True, table=table, asid=asid, is_mapped=is_mapped):
            return f"root {name_of(table)}" + (f": space {asid}" if is_mapped else "")
        case PageTableCap(table=table, asid=asid, is_mapped=is_mapped, mapped_address=address):
            return name_of(table) + _mapping(is_mapped, asid, address)
        case ASIDPoolCap(base_asid=base_asid, pool=pool):
            return f"{name_of(pool)}: spaces {base_asid} to {base_asid + 511}"
