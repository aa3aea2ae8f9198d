"""A pager: memory on demand.

The threads that it serves have it as their fault handler. When one of them touches an address where nothing is mapped, the kernel
stops the thread and sends a message in its name: where, and what it tried. The pager maps a page of its own memory there,
with a page table if one is missing, and answers; the thread goes on as if nothing had been. The kernel has no
part in the decision: another pager might read the page from a disk, or share it, or say no.

This one serves addresses from WINDOW on, and gives pages while it has some. For all else it says no, by not answering: the
thread stays where it is.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.faults import FaultLabel
from pith.metal import export, static
from pith.runtime.address_space import AddressSpace
from pith.runtime.component import CSPACE_BITS
from pith.runtime.console import use_server, write
from pith.runtime.faults import page_fault
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty
from pith.runtime.process import WINDOW
from pith.runtime.syscalls import Message, recv, reply_recv
from pith.runtime.voice import CYAN, begin

PAGE_BYTES: Final = 4096
REGION_BYTES: Final = 1 << 32
MEMORY_BITS: Final = 16


class PagerSlot(IntEnum):
    """The pager's capabilities."""

    FAULTS = 2  # an endpoint: where faults arrive
    REPLY = 3
    CONSOLE = 4
    CNODE = 5  # its own capability space, to put frames into
    MEMORY = 6  # an untyped of 2**MEMORY_BITS bytes
    CLIENT = 7  # the address space that it fills
    FIRST_FREE = 16


pool: Final = static(Pool)
client: Final = static(AddressSpace)


@export("pith_main")
def main() -> None:
    use_server(PagerSlot.CONSOLE)
    slots = (1 << CSPACE_BITS) - PagerSlot.FIRST_FREE
    pool.stock_in(PagerSlot.CNODE, CSPACE_BITS, PagerSlot.MEMORY, MEMORY_BITS, PagerSlot.FIRST_FREE, slots)
    client.adopt(PagerSlot.CLIENT, pool)
    message = recv(PagerSlot.FAULTS, PagerSlot.REPLY)
    while True:
        if is_served(message):
            message = reply_recv(PagerSlot.FAULTS, PagerSlot.REPLY)
        else:
            message = recv(PagerSlot.FAULTS, PagerSlot.REPLY)


def is_served(message: Message) -> bool:
    """Put right what the fault lacked, if it may have it."""
    if message.info.label != FaultLabel.VM:
        return False
    address = page_fault(message).address
    begin("pager", CYAN)
    if not WINDOW <= address < WINDOW + REGION_BYTES:
        write(f"page fault at {address:#x}: not a place where I give memory.\n")
        return False
    write(f"a page fault at {address:#x}: I map one of my pages there.\n")
    try:
        client.new_page(address // PAGE_BYTES * PAGE_BYTES)
    except InvocationFailed as failure:
        write(f"  ... but the kernel refused: error {failure.code}.\n")
        return False
    except PoolEmpty:
        write("  ... but I have none left.\n")
        return False
    return True
