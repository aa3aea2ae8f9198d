"""Address spaces: page tables, the identifiers that name their roots, and which one the processor uses.

Sv39 translates a 39-bit address through three levels of tables, nine bits a level. A page of level 0 has 4
KiB, of level 1 2 MiB, of level 2 1 GiB. The upper half of every root is the kernel's and is the same in
all; the lower half is the user's and changes only through the invocations in frame.py and page_table.py.

A capability to a mapped frame or table remembers not its root but the root's identifier (ASID), an index into
`kernel.asid_pools`. So a root may go at any time: the identifier then leads nowhere, and what was mapped
there counts as not mapped. ASID 0 is never given out and means "not mapped".

A thread remembers what `satp` is to hold for it; any change of what that follows from begins a new epoch, in
which it is found again.

Invariants: an entry of a user's half is invalid, a leaf that a frame capability with that ASID and address
stands for, or points to a table whose capability has them; the translation caches hold nothing else.

Manual: chapter "Address Spaces and Virtual Memory". RISC-V privileged specification, 4.4 (Sv39).
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import LookupFailureKind
from pith.abi.objects import ASID_POOL_INDEX_BITS, PAGE_BITS, PAGE_TABLE_INDEX_BITS
from pith.metal import Value, inline, u2, u6, u9, u16, u40, u64
from pith.metal.machine import csr_write, fence_address_space, fence_translations

from ..errors import FailedLookup, InvalidCapability
from ..objects import ASIDPool, Cap, PageTable, PageTableCap, PageTableEntry, Thread, ThreadSlot
from ..state import kernel
from .window import IMAGE_BASE, IMAGE_OFFSET, physical_of, window_of

TOP_LEVEL: Final = 2
ENTRIES: Final = 1 << PAGE_TABLE_INDEX_BITS
USER_ENTRIES: Final = ENTRIES // 2  # of a root; the other half is the kernel's
SATP_SV39: Final = 8 << 60
SATP_ASID_SHIFT: Final = 44
INVALID: Final = PageTableEntry()


# Tables ---------------------------------------------------------------------------------------------------


class Place(Value):
    """An entry of a table, by position; a leaf there maps a page of this level."""

    table: PageTable
    index: u9
    level: u2


def span_bits(level: u2) -> u6:
    """What one entry of this level covers, as a power of two of bytes."""
    return PAGE_BITS + PAGE_TABLE_INDEX_BITS * level


def index_of(address: u64, level: u2) -> u9:
    """Which entry of a table of this level translates `address`."""
    return address >> span_bits(level) & (ENTRIES - 1)


def walk(root: PageTable, address: u64) -> Place:
    """The last entry on the way to `address`: of level 0, or a leaf, or empty."""
    table = root
    level: u2 = TOP_LEVEL
    while level > 0:
        entry = table.entries[index_of(address, level)]
        if not is_table(entry):
            break
        table = table_of(entry)
        level -= 1
    return Place(table, index_of(address, level), level)


def is_table(entry: PageTableEntry) -> bool:
    """Whether the entry points to a table of the next level."""
    return bool(entry.valid) and not (entry.read or entry.write or entry.execute)


def table_of(entry: PageTableEntry) -> PageTable:
    """The table that an entry points to."""
    return PageTable.at(window_of(entry.frame << PAGE_BITS))


def table_entry(table: PageTable) -> PageTableEntry:
    """An entry that points to `table`."""
    return PageTableEntry(valid=1, frame=physical_of(table.address) >> PAGE_BITS)


# Identifiers ----------------------------------------------------------------------------------------------


def pool_index(asid: u16) -> u9:
    """Which pool an ASID belongs to."""
    return asid >> ASID_POOL_INDEX_BITS


def root_of(asid: u16) -> PageTable | None:
    """The root of the address space that this ASID names, if there still is one."""
    pool = kernel.asid_pools[pool_index(asid)]
    return None if pool is None else pool.roots[asid & (ENTRIES - 1)]


def space_argument(cap: Cap) -> PageTableCap:
    """The capability, argument 1 of an invocation, as one to an address space's root or part."""
    if not isinstance(cap, PageTableCap) or not cap.is_mapped:
        raise InvalidCapability(1)
    return cap


def root_argument(space: PageTableCap) -> PageTable:
    """The root that argument 1 of an invocation names; it must be one, and its ASID in use."""
    root = root_of(space.asid)
    if root is None:
        raise FailedLookup(False, LookupFailureKind.INVALID_ROOT, 0, 0, 0)
    if root is not space.table:
        raise InvalidCapability(1)
    return root


def release(asid: u16, root: PageTable) -> None:
    """Let the ASID name nothing any more, if it names `root`."""
    pool = kernel.asid_pools[pool_index(asid)]
    if pool is not None and pool.roots[asid & (ENTRIES - 1)] is root:
        pool.roots[asid & (ENTRIES - 1)] = None
        fence_address_space(asid)
        begin_epoch()
        refresh()


def release_pool(base_asid: u16, pool: ASIDPool) -> None:
    """Let no ASID of the pool name anything any more, if it is in use."""
    if kernel.asid_pools[pool_index(base_asid)] is pool:
        kernel.asid_pools[pool_index(base_asid)] = None
        fence_translations()  # of up to 512 address spaces: one by one would take longer than an interrupt may wait
        begin_epoch()
        refresh()


# The processor's address space ----------------------------------------------------------------------------


def set_address_space(thread: Thread) -> None:
    """Let the processor translate as `thread` sees memory; as the kernel alone does if it has no address space."""
    switch(thread.satp if is_known(thread) else _find_satp(thread))


@inline
def is_known(thread: Thread) -> bool:
    """Whether `thread.satp` is the thread's address space: it was found before, and nothing has changed."""
    return thread.space_epoch == kernel.space_epoch


def _find_satp(thread: Thread) -> u64:
    """What `satp` holds while the thread runs; only an address space of its own is remembered."""
    cap = thread.slots[ThreadSlot.VSPACE].cap
    if isinstance(cap, PageTableCap) and cap.is_mapped and root_of(cap.asid) is cap.table:
        thread.satp = satp_of(cap.table, cap.asid)
        thread.space_epoch = kernel.space_epoch
        return thread.satp
    kernel_root = kernel.kernel_root
    assert kernel_root is not None
    return satp_of(kernel_root, 0)


@inline
def switch(satp: u64) -> None:
    """Let the processor translate by `satp`, unless it does so already."""
    if satp != kernel.current_root:
        kernel.current_root = satp
        csr_write("satp", satp)


def begin_epoch() -> None:
    """A root was released, or a thread's slot for it changed: what threads remember holds no more."""
    kernel.space_epoch += 1


def refresh() -> None:
    """A root was released: leave it if the processor uses it."""
    if kernel.current is not None:
        set_address_space(kernel.current)


def satp_of(root: PageTable, asid: u16) -> u64:
    """What `satp` holds for this root and ASID."""
    return SATP_SV39 | asid << SATP_ASID_SHIFT | physical_of(root.address) >> PAGE_BITS


# The kernel's half ----------------------------------------------------------------------------------------


def make_kernel_root(root: PageTable) -> None:
    """Fill an empty root with the kernel's half: the window, and the gigabyte of the kernel's image."""
    for index in range(USER_ENTRIES, ENTRIES):
        root.entries[index] = kernel_page((index - USER_ENTRIES) << span_bits(TOP_LEVEL))
    root.entries[index_of(IMAGE_OFFSET + IMAGE_BASE, TOP_LEVEL)] = kernel_page(IMAGE_BASE)
    kernel.kernel_root = root
    begin_epoch()


def kernel_page(physical: u40) -> PageTableEntry:
    """An entry of a root that shows the kernel a gigabyte."""
    return PageTableEntry(
        valid=1,
        read=1,
        write=1,
        execute=1,
        is_global=1,
        accessed=1,
        dirty=1,
        frame=physical >> PAGE_BITS,
    )


def share_kernel_half(root: PageTable) -> None:
    """Give a user's root the kernel's half."""
    kernel_root = kernel.kernel_root
    assert kernel_root is not None
    for index in range(USER_ENTRIES, ENTRIES):
        root.entries[index] = kernel_root.entries[index]
