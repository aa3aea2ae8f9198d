"""Address space identifiers (ASIDs), handed out from pools of 512.

ASIDControl makes pools, a pool makes page tables roots of address spaces by giving them an identifier.

Manual: "ASID Control", "ASID Pool"; interfaces `seL4_RISCV_ASIDControl`, `seL4_RISCV_ASIDPool`.
"""

from __future__ import annotations

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.objects import ASID_POOL_BITS, ASID_POOL_INDEX_BITS
from pith.metal import replace, u7, u9, u16
from pith.metal.machine import zero_memory

from ..capability import ensure_no_children
from ..cspace import insert, lookup_empty
from ..errors import DeleteFirst, FailedLookup, IllegalOperation, InvalidCapability
from ..message import Invocation, argument, extra_slot, require
from ..objects import ASIDPool, ASIDPoolCap, PageTableCap, Slot, UntypedCap
from ..state import ASID_POOLS, kernel
from .vspace import ENTRIES, pool_index, share_kernel_half
from .window import window_of


def invoke_control(call: Invocation) -> u7:
    """MakePool(untyped, root, index, depth)."""
    if call.label != Label.ASID_CONTROL_MAKE_POOL:
        raise IllegalOperation()
    require(call, words=2, caps=2)
    untyped_slot, root_slot = extra_slot(call, 0), extra_slot(call, 1)
    base_asid = _free_pool()
    untyped = untyped_slot.cap
    if not isinstance(untyped, UntypedCap) or untyped.size_bits != ASID_POOL_BITS or untyped.is_device:
        raise InvalidCapability(1)
    ensure_no_children(untyped_slot)
    destination = lookup_empty(root_slot.cap, argument(call, 0), argument(call, 1))
    untyped_slot.cap = replace(untyped, watermark=1 << untyped.size_bits)
    zero_memory(window_of(untyped.base), 1 << ASID_POOL_BITS)
    pool = ASIDPool.at(window_of(untyped.base))
    insert(ASIDPoolCap(base_asid, pool), untyped_slot, destination)
    kernel.asid_pools[pool_index(base_asid)] = pool
    return 0


def _free_pool() -> u16:
    """The first ASID of a pool that does not exist yet."""
    for index in range(ASID_POOLS):
        if kernel.asid_pools[index] is None:
            return index << ASID_POOL_INDEX_BITS
    raise DeleteFirst()


def invoke_pool(cap: ASIDPoolCap, call: Invocation) -> u7:
    """Assign(table)."""
    if call.label != Label.ASID_POOL_ASSIGN:
        raise IllegalOperation()
    slot = extra_slot(call, 0)
    table_cap = slot.cap
    if not isinstance(table_cap, PageTableCap) or table_cap.is_mapped:
        raise InvalidCapability(1)
    pool = kernel.asid_pools[pool_index(cap.base_asid)]
    if pool is None:
        raise FailedLookup(False, LookupFailureKind.INVALID_ROOT, 0, 0, 0)
    if pool is not cap.pool:
        raise InvalidCapability(0)
    index = _free_index(cap)
    assign(slot, table_cap, pool, cap.base_asid, index)
    return 0


def _free_index(cap: ASIDPoolCap) -> u9:
    """The first ASID of the pool that names nothing. ASID 0 means "not mapped" and is never given."""
    for index in range(ENTRIES):
        if cap.pool.roots[index] is None and cap.base_asid + index > 0:
            return index
    raise DeleteFirst()


def assign(slot: Slot, table_cap: PageTableCap, pool: ASIDPool, base_asid: u16, index: u9) -> None:
    """Make the table that `slot` names the root of the address space with this ASID."""
    pool.roots[index] = table_cap.table
    share_kernel_half(table_cap.table)
    slot.cap = replace(table_cap, is_mapped=True, is_root=True, asid=base_asid + index, mapped_address=0)
