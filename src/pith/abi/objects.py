"""Object types as `seL4_Untyped_Retype` numbers them, and object sizes as powers of two, in bytes."""

from enum import IntEnum
from typing import Final


class ObjectType(IntEnum):
    """The `type` argument of Untyped_Retype (libsel4 `objecttype.h` of the generic, MCS and riscv parts)."""

    UNTYPED = 0
    TCB = 1
    ENDPOINT = 2
    NOTIFICATION = 3
    CNODE = 4
    SCHED_CONTEXT = 5
    REPLY = 6
    GIGA_PAGE = 7
    PAGE = 8
    MEGA_PAGE = 9
    PAGE_TABLE = 10


SLOT_BITS: Final = 5
TCB_BITS: Final = 11
ENDPOINT_BITS: Final = 4
NOTIFICATION_BITS: Final = 6
REPLY_BITS: Final = 5
MIN_SCHED_CONTEXT_BITS: Final = 7
SCHED_CONTEXT_CORE_BYTES: Final = 128
REFILL_BYTES: Final = 16
PAGE_BITS: Final = 12
MEGA_PAGE_BITS: Final = 21
GIGA_PAGE_BITS: Final = 30
PAGE_TABLE_BITS: Final = 12
PAGE_TABLE_INDEX_BITS: Final = 9
VSPACE_BITS: Final = 12
ASID_POOL_BITS: Final = 12
ASID_POOL_INDEX_BITS: Final = 9
ASID_POOL_COUNT_BITS: Final = 7
MIN_UNTYPED_BITS: Final = 4
MAX_UNTYPED_BITS: Final = 38
IPC_BUFFER_BITS: Final = 10
USER_TOP: Final = 0x3F_FFFF_F000
WORD_BITS: Final = 64
