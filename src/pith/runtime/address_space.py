"""An address space and what is mapped in it.

A page can be mapped only where page tables lead to it. The kernel says so when one is missing ("failed
lookup"), and `map_page` then makes one and tries again, twice at most: three levels, of which the root
exists. So nobody counts tables beforehand, and an address space pays for just those it uses.
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import RootSlot
from pith.abi.errors import ErrorCode
from pith.abi.messages import CapRights
from pith.abi.objects import ObjectType
from pith.metal import Struct, u8, u64

from . import asid, page, page_table
from .capability import READ_WRITE, CPtr
from .invocation import InvocationFailed
from .pool import Pool

LEVELS_BELOW_ROOT: Final = 2


class AddressSpace(Struct):
    """A root page table, and the pool that pays for the tables below it."""

    root: CPtr
    pool: Pool

    def create(self, pool: Pool) -> None:
        """A new, empty address space."""
        self.pool = pool
        self.root = pool.make(ObjectType.PAGE_TABLE)
        asid.assign(RootSlot.ASID_POOL, self.root)

    def adopt(self, root: CPtr, pool: Pool) -> None:
        """One that exists: the initial thread's own."""
        self.root = root
        self.pool = pool

    def map_page(self, frame: CPtr, address: u64, rights: CapRights, attributes: u64) -> None:
        """Map a frame, with whatever page tables are missing."""
        missing: u8 = LEVELS_BELOW_ROOT
        while True:
            try:
                page.map(frame, self.root, address, rights, attributes)
                return
            except InvocationFailed as failure:
                if failure.code != ErrorCode.FAILED_LOOKUP or missing == 0:
                    raise
            missing -= 1
            self.add_page_table(address)

    def add_page_table(self, address: u64) -> None:
        """Hang in the next page table on the way to `address`."""
        table = self.pool.make(ObjectType.PAGE_TABLE)
        page_table.map(table, self.root, address)

    def new_page(self, address: u64) -> CPtr:
        """A fresh, zeroed page of memory at `address`."""
        frame = self.pool.make(ObjectType.PAGE)
        self.map_page(frame, address, READ_WRITE, page.NOT_EXECUTABLE)
        return frame
