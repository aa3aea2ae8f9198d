"""What kind of object a capability names, as seL4's kernel numbers the kinds for DebugCapIdentify and its log of entries.

Observed of seL4 16 (MCS, riscv64); the public headers do not name these numbers. Odd ones are the architecture's own.
"""

from __future__ import annotations

from enum import IntEnum


class CapabilityKind(IntEnum):
    """The kinds of capabilities. NULL is an empty slot's; ZOMBIE that of an object which is being torn down."""

    NULL = 0
    FRAME = 1
    UNTYPED = 2
    PAGE_TABLE = 3
    ENDPOINT = 4
    NOTIFICATION = 6
    REPLY = 8
    CNODE = 10
    ASID_CONTROL = 11
    THREAD = 12
    ASID_POOL = 13
    IRQ_CONTROL = 14
    IRQ_HANDLER = 16
    ZOMBIE = 18
    DOMAIN = 20
    SCHED_CONTEXT = 22
    SCHED_CONTROL = 24
