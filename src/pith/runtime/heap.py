"""A heap: pieces of memory of any size, given out and taken back.

First fit over one list of blocks that lie one behind the other. Each block begins with a header: its size,
and whether it is free. Neighbouring free blocks are joined when a search passes them, so `free` is one store.
Small and slow for many blocks; a component that needs better brings its own.

    heap.stock(address, size)
    node = Node.at(heap.allocate(size_of(Node)))
    heap.free(node.address)
"""

from __future__ import annotations

from typing import Final

from pith.metal import Failure, Struct, machine, u64

HEADER_BYTES: Final = 16


class HeapFull(Failure):
    """No free block has `size` bytes."""

    size: u64


class Block(Struct, size=HEADER_BYTES):
    """A block's header; what it gives out begins right behind it."""

    size: u64  # bytes behind the header, a multiple of 16
    is_free: bool


class Heap(Struct):
    """The memory from `start` to `end`, cut into blocks."""

    start: u64
    end: u64

    def stock(self, address: u64, size: u64) -> None:
        """Begin with one free block; address and size are multiples of 16."""
        self.start = address
        self.end = address + size
        block = Block.at(address)
        block.size = size - HEADER_BYTES
        block.is_free = True

    def allocate(self, size: u64) -> u64:
        """The address of `size` zeroed bytes, aligned to 16."""
        wanted = (size + 15) // 16 * 16
        address: u64 = self.start
        while address < self.end:
            block = Block.at(address)
            if block.is_free:
                self.join_following(block)
                if block.size >= wanted:
                    split(block, wanted)
                    block.is_free = False
                    machine.zero_memory(address + HEADER_BYTES, block.size)
                    return address + HEADER_BYTES
            address += HEADER_BYTES + block.size
        raise HeapFull(size)

    def free(self, address: u64) -> None:
        """Take a piece back that `allocate` gave out."""
        assert self.start + HEADER_BYTES <= address < self.end, "not from this heap"
        block = Block.at(address - HEADER_BYTES)
        assert not block.is_free, "freed twice"
        block.is_free = True

    def join_following(self, block: Block) -> None:
        """Make one block of this free one and all free ones behind it."""
        following: u64 = block.address + HEADER_BYTES + block.size
        while following < self.end and Block.at(following).is_free:
            block.size += HEADER_BYTES + Block.at(following).size
            following = block.address + HEADER_BYTES + block.size


def split(block: Block, wanted: u64) -> None:
    """Cut what is more than `wanted` off a free block, if it is enough for a block of its own."""
    rest = block.size - wanted
    if rest > HEADER_BYTES:
        behind = Block.at(block.address + HEADER_BYTES + wanted)
        behind.size = rest - HEADER_BYTES
        behind.is_free = True
        block.size = wanted
