"""Names for capabilities.

A program never holds a capability itself. It holds a number, a `CPtr`, that the kernel looks up in the
program's capability space (CSpace) at each use: like a file descriptor, except that there are no other names
at all. What a program has no number for, it cannot touch.

To put a capability somewhere, a slot is named from outside: a CNode, an index in it, and how many bits of the
index to translate. That is a `Place`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from pith.abi.bootinfo import RootSlot
from pith.abi.messages import CapRights
from pith.abi.objects import WORD_BITS
from pith.metal import Value, u8, u64

CPtr: TypeAlias = u64

NULL: Final = 0  # names nothing, in every capability space


class Place(Value):
    """The slot `index` of the CNode `root`, found by translating `depth` bits."""

    root: CPtr
    index: u64
    depth: u8


def own(slot: CPtr) -> Place:
    """A slot of the initial thread's own CNode, whose guard makes every CPtr 64 bits deep."""
    return Place(RootSlot.CNODE, slot, WORD_BITS)


READ: Final = CapRights(can_write=False, can_read=True, can_grant=False, can_grant_reply=False)
WRITE: Final = CapRights(can_write=True, can_read=False, can_grant=False, can_grant_reply=False)
READ_WRITE: Final = CapRights(can_write=True, can_read=True, can_grant=False, can_grant_reply=False)
CALL: Final = CapRights(can_write=True, can_read=False, can_grant=False, can_grant_reply=True)
CALL_AND_GRANT: Final = CapRights(can_write=True, can_read=False, can_grant=True, can_grant_reply=True)
ALL_RIGHTS: Final = CapRights(can_write=True, can_read=True, can_grant=True, can_grant_reply=True)
