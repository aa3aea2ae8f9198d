"""Objects from one untyped.

A pool is an untyped and a row of empty slots of one CNode, the maker's own; `make` cuts the next object from the one and puts its
capability into the next of the other. Pools nest: an untyped made in one is the stock of another. What a pool
made is destroyed by one revoke of its untyped (`empty`), which is how a component and all it was given
disappear together.
"""

from __future__ import annotations

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.objects import (
    ENDPOINT_BITS,
    MEGA_PAGE_BITS,
    NOTIFICATION_BITS,
    PAGE_BITS,
    REPLY_BITS,
    SLOT_BITS,
    TCB_BITS,
    WORD_BITS,
    ObjectType,
)
from pith.metal import Failure, Struct, u6, u8, u64

from . import cnode, untyped
from .bootinfo import count, largest_memory, size_bits
from .capability import CPtr, Place


class PoolEmpty(Failure):
    """No memory, or no slot, is left in the pool for an object of `size_bits`."""

    size_bits: u64


class Pool(Struct):
    """Memory and slots to make objects with. `used` follows what the kernel has cut off so far."""

    root: CPtr  # the CNode whose slots are used, which also holds the untyped
    depth: u8  # bits of an index into it
    untyped: CPtr
    size: u64
    used: u64
    first_slot: CPtr
    next_slot: CPtr
    end_slot: CPtr

    def stock(self, memory: CPtr, size_bits: u6, first_slot: CPtr, slots: u64) -> None:
        """Begin with an untyped that nothing was made of, and a row of empty slots: the initial thread's."""
        self.stock_in(RootSlot.CNODE, WORD_BITS, memory, size_bits, first_slot, slots)

    def stock_in(
        self, root: CPtr, depth: u8, memory: CPtr, size_bits: u6, first_slot: CPtr, slots: u64
    ) -> None:
        """As `stock`, for a component that has a capability to its own CNode, `root`."""
        self.root = root
        self.depth = depth
        self.untyped = memory
        self.size = 1 << size_bits
        self.used = 0
        self.first_slot = first_slot
        self.next_slot = first_slot
        self.end_slot = first_slot + slots

    def take_slot(self) -> CPtr:
        """An empty slot, for a capability that is not made here (a copy, an interrupt handler)."""
        if self.next_slot >= self.end_slot:
            raise PoolEmpty(0)
        slot = self.next_slot
        self.next_slot = slot + 1
        return slot

    def take_slots(self, count: u64) -> CPtr:
        """The first of `count` empty slots in a row."""
        if self.next_slot + count > self.end_slot:
            raise PoolEmpty(0)
        slot = self.next_slot
        self.next_slot = slot + count
        return slot

    def make(self, type: ObjectType, size_bits: u6 = 0) -> CPtr:
        """A new object. `size_bits`: as untyped.retype takes it, for those types that have no fixed size."""
        size = 1 << bytes_bits(type, size_bits)
        start = (self.used + size - 1) // size * size
        if start + size > self.size:
            raise PoolEmpty(bytes_bits(type, size_bits))
        slot = self.take_slot()
        untyped.retype(self.untyped, type, size_bits, self.root, 0, 0, slot, 1)
        self.used = start + size
        return slot

    def slots_used(self) -> u64:
        """How many slots have been taken."""
        return self.next_slot - self.first_slot

    def empty(self) -> None:
        """Destroy everything that was made here; the pool is as new.

        Copies of others' capabilities that were put into its slots outlive the revoke: they are deleted one by one.
        """
        cnode.revoke(Place(self.root, self.untyped, self.depth))
        for i in range(self.slots_used()):
            cnode.delete(Place(self.root, self.first_slot + i, self.depth))
        self.used = 0
        self.next_slot = self.first_slot


def bytes_bits(type: ObjectType, size_bits: u6) -> u6:
    """The size of an object in bytes, as a power of two."""
    match type:
        case ObjectType.UNTYPED | ObjectType.SCHED_CONTEXT:
            return size_bits
        case ObjectType.CNODE:
            assert size_bits < 40, "no such CNode"
            return size_bits + SLOT_BITS
        case ObjectType.TCB:
            return TCB_BITS
        case ObjectType.ENDPOINT:
            return ENDPOINT_BITS
        case ObjectType.NOTIFICATION:
            return NOTIFICATION_BITS
        case ObjectType.REPLY:
            return REPLY_BITS
        case ObjectType.MEGA_PAGE:
            return MEGA_PAGE_BITS
        case ObjectType.GIGA_PAGE:
            return 30
        case ObjectType.PAGE | ObjectType.PAGE_TABLE:
            return PAGE_BITS


def stock_from_bootinfo(pool: Pool, info: BootInfo) -> None:
    """Stock an initial thread's pool with its largest untyped of ordinary memory and all its empty slots."""
    best = largest_memory(info)
    bits = size_bits(info.untyped_list[best])
    pool.stock(info.untyped.start + best, bits, info.empty.start, count(info.empty))
