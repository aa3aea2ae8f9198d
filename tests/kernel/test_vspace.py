"""Address spaces: frames, page tables and ASIDs, mapped and unmapped, with every error."""

from __future__ import annotations

import pytest

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.abi.objects import USER_TOP
from pith.kernel import derivation
from pith.kernel.cspace import insert
from pith.kernel.errors import (
    AlignmentError,
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    InvalidArgument,
    InvalidCapability,
    RevokeFirst,
    TruncatedMessage,
)
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPool,
    ASIDPoolCap,
    DomainCap,
    FrameCap,
    FrameSize,
    PageTable,
    PageTableCap,
    PageTableEntry,
    Slot,
    ThreadSlot,
    UntypedCap,
)
from pith.kernel.riscv64 import asid, frame, page_table, vspace
from pith.kernel.riscv64.window import WINDOW_BASE
from pith.kernel.state import ASID_POOLS, kernel
from pith.metal import replace

from .conftest import World

RW = CapRights(True, True, False, False).bits
READ = CapRights(False, True, False, False).bits
WRITE = CapRights(True, False, False, False).bits
CODE = 0x40_0000


@pytest.fixture
def space(world: World) -> Slot:
    """A root with ASID 1, in a world with a kernel root and one pool."""
    vspace.make_kernel_root(world.make(PageTable))
    pool = world.make(ASIDPool)
    kernel.asid_pools[0] = pool
    return root_from(world, ASIDPoolCap(0, pool))


def root_from(world: World, pool: ASIDPoolCap) -> Slot:
    slot = table(world)
    assert asid.invoke_pool(pool, world.call(Label.ASID_POOL_ASSIGN, caps=(slot,))) == 0
    return slot


def table(world: World) -> Slot:
    return world.slot(PageTableCap(False, False, world.make(PageTable), 0, 0))


def map_table(world: World, slot: Slot, space: Slot, address: int) -> None:
    cap = slot.cap
    assert isinstance(cap, PageTableCap)
    page_table.invoke(cap, world.call(Label.PAGE_TABLE_MAP, address, 0, slot=slot, caps=(space,)))


def map_frame(
    world: World, slot: Slot, space: Slot, address: int, rights: int = RW, attributes: int = 0
) -> PageTableEntry:
    cap = slot.cap
    assert isinstance(cap, FrameCap)
    frame.invoke(cap, world.call(Label.PAGE_MAP, address, rights, attributes, slot=slot, caps=(space,)))
    place = vspace.walk(root_table(space), address)
    return place.table.entries[place.index]


def root_table(space: Slot) -> PageTable:
    cap = space.cap
    assert isinstance(cap, PageTableCap)
    return cap.table


def with_tables(world: World, space: Slot, address: int = CODE) -> tuple[Slot, Slot]:
    """Map the two tables that a page at `address` needs."""
    upper, lower = table(world), table(world)
    map_table(world, upper, space, address)
    map_table(world, lower, space, address)
    return upper, lower


# Roots ----------------------------------------------------------------------------------------------------


def test_the_kernel_half_is_the_window_and_the_image(world: World, space: Slot) -> None:
    root = root_table(space)
    window, image = root.entries[256 + 3], root.entries[510]
    assert window.frame << 12 == 3 << 30
    assert image.frame << 12 == 0x8000_0000  # 0xffffffff80000000
    assert window.is_global and not window.user and image.execute
    assert all(not root.entries[index].valid for index in range(256))


def test_a_root_gets_the_first_free_asid_but_0(world: World, space: Slot) -> None:
    assert space.cap == PageTableCap(True, True, root_table(space), 1, 0)
    assert vspace.root_of(1) is root_table(space)
    assert vspace.root_of(0) is None and vspace.root_of(2) is None


def test_set_address_space(world: World, space: Slot) -> None:
    thread = world.thread()
    vspace.set_address_space(thread)
    assert kernel.kernel_root is not None
    assert world.processor.csrs["satp"] == 8 << 60 | world.physical(kernel.kernel_root) >> 12
    world.put(thread.slots[ThreadSlot.VSPACE], space.cap)
    vspace.set_address_space(thread)
    assert world.processor.csrs["satp"] == 8 << 60 | 1 << 44 | world.physical(root_table(space)) >> 12
    del world.processor.csrs["satp"]
    vspace.set_address_space(thread)
    assert "satp" not in world.processor.csrs  # nothing changed


def test_a_root_that_goes_is_left(world: World, space: Slot) -> None:
    thread = world.thread()
    kernel.current = thread
    world.put(thread.slots[ThreadSlot.VSPACE], space.cap)
    vspace.set_address_space(thread)
    derivation.delete(space)
    assert kernel.kernel_root is not None
    assert world.processor.csrs["satp"] == 8 << 60 | world.physical(kernel.kernel_root) >> 12
    assert (None, 1) in world.processor.fences


# ASID pools -----------------------------------------------------------------------------------------------


def test_what_is_not_in_use_is_not_released(world: World, space: Slot) -> None:
    """Neither a root that its ASID names no more, nor a pool that another one replaced."""
    root, other, spare = root_table(space), world.make(PageTable), world.make(ASIDPool)
    vspace.release(1, other)
    vspace.release_pool(0, spare)
    vspace.release(1 << 9, root)
    assert vspace.root_of(1) is root and kernel.asid_pools[1] is None
    kernel.current = None  # as before the first thread runs: nobody's address space has to be left
    vspace.release(1, root)
    assert vspace.root_of(1) is None


def test_assign_errors(world: World, space: Slot) -> None:
    pool = kernel.asid_pools[0]
    assert pool is not None
    cap = ASIDPoolCap(0, pool)
    with pytest.raises(TruncatedMessage):
        asid.invoke_pool(cap, world.call(Label.ASID_POOL_ASSIGN))
    with pytest.raises(IllegalOperation):
        asid.invoke_pool(cap, world.call(Label.PAGE_MAP))
    for wrong in (space, world.slot(DomainCap())):
        with pytest.raises(InvalidCapability) as caught:
            asid.invoke_pool(cap, world.call(Label.ASID_POOL_ASSIGN, caps=(wrong,)))
        assert caught.value.argument == 1
    with pytest.raises(InvalidCapability) as caught:
        other = ASIDPoolCap(0, world.make(ASIDPool))
        asid.invoke_pool(other, world.call(Label.ASID_POOL_ASSIGN, caps=(table(world),)))
    assert caught.value.argument == 0
    with pytest.raises(FailedLookup) as failed:
        asid.invoke_pool(ASIDPoolCap(512, pool), world.call(Label.ASID_POOL_ASSIGN, caps=(table(world),)))
    assert failed.value.kind is LookupFailureKind.INVALID_ROOT
    for index in range(512):
        pool.roots[index] = root_table(space)
    with pytest.raises(DeleteFirst):
        asid.invoke_pool(cap, world.call(Label.ASID_POOL_ASSIGN, caps=(table(world),)))


def make_pool(world: World, untyped: Slot, index: int = 3) -> Slot:
    call = world.call(Label.ASID_CONTROL_MAKE_POOL, index, 64)
    assert kernel.current is not None
    root = kernel.current.slots[ThreadSlot.CSPACE]
    asid.invoke_control(
        world.call(Label.ASID_CONTROL_MAKE_POOL, index, 64, caps=(untyped, root), slot=call.slot)
    )
    return world.root_slot(kernel.current, index)


def test_make_pool(world: World, space: Slot) -> None:
    untyped = world.untyped(12)
    slot = make_pool(world, untyped)
    cap = slot.cap
    assert isinstance(cap, ASIDPoolCap) and cap.base_asid == 512
    assert kernel.asid_pools[1] is cap.pool
    assert isinstance(untyped.cap, UntypedCap) and untyped.cap.watermark == 4096
    made = root_from(world, cap)
    assert isinstance(made.cap, PageTableCap) and made.cap.asid == 512
    derivation.delete(slot)
    assert kernel.asid_pools[1] is None and vspace.root_of(512) is None
    assert (None, None) in world.processor.fences


def test_make_pool_errors(world: World, space: Slot) -> None:
    with pytest.raises(IllegalOperation):
        asid.invoke_control(world.call(Label.ASID_POOL_ASSIGN))
    with pytest.raises(TruncatedMessage):
        asid.invoke_control(world.call(Label.ASID_CONTROL_MAKE_POOL, 0, 64, caps=(world.untyped(12),)))
    for wrong in (world.untyped(13), world.untyped(12, is_device=True), world.slot(ASIDControlCap())):
        with pytest.raises(InvalidCapability) as caught:
            make_pool(world, wrong)
        assert caught.value.argument == 1
    used = world.untyped(12)
    insert(used.cap, used, world.slot())
    with pytest.raises(RevokeFirst):
        make_pool(world, used)
    make_pool(world, world.untyped(12))
    with pytest.raises(DeleteFirst):
        make_pool(world, world.untyped(12))
    pool = kernel.asid_pools[0]
    for index in range(ASID_POOLS):
        kernel.asid_pools[index] = pool
    with pytest.raises(DeleteFirst):
        make_pool(world, world.untyped(12), index=4)


# Page tables ----------------------------------------------------------------------------------------------


def test_tables_fill_the_levels_from_above(world: World, space: Slot) -> None:
    upper, lower = with_tables(world, space, CODE + 0x5000)
    assert isinstance(upper.cap, PageTableCap) and isinstance(lower.cap, PageTableCap)
    assert (upper.cap.asid, upper.cap.mapped_address) == (1, 0)
    assert (lower.cap.asid, lower.cap.mapped_address) == (1, CODE)
    place = vspace.walk(root_table(space), CODE + 0x5000)
    assert (place.table, place.index, place.level) == (lower.cap.table, 5, 0)
    with pytest.raises(DeleteFirst):
        map_table(world, table(world), space, CODE)


def test_page_table_map_errors(world: World, space: Slot) -> None:
    slot = table(world)
    cap = slot.cap
    assert isinstance(cap, PageTableCap)
    for call in (
        world.call(Label.PAGE_TABLE_MAP, CODE, 0, slot=slot),
        world.call(Label.PAGE_TABLE_MAP, CODE, slot=slot, caps=(space,)),
    ):
        with pytest.raises(TruncatedMessage):
            page_table.invoke(cap, call)
    with pytest.raises(InvalidCapability) as caught:
        map_table(world, slot, table(world), CODE)
    assert caught.value.argument == 1
    with pytest.raises(InvalidArgument) as wrong:
        map_table(world, slot, space, USER_TOP)
    assert wrong.value.argument == 0
    map_table(world, slot, space, CODE)
    with pytest.raises(InvalidCapability) as caught:
        map_table(world, slot, space, CODE)
    assert caught.value.argument == 0
    with pytest.raises(InvalidCapability) as caught:  # mapped, but no root
        map_table(world, table(world), slot, CODE)
    assert caught.value.argument == 1
    with pytest.raises(IllegalOperation):
        page_table.invoke(cap, world.call(Label.PAGE_MAP, slot=slot))
    vspace.release(1, root_table(space))
    with pytest.raises(FailedLookup) as failed:
        map_table(world, table(world), space, CODE)
    assert failed.value.kind is LookupFailureKind.INVALID_ROOT


def unmap_table(world: World, slot: Slot) -> None:
    cap = slot.cap
    assert isinstance(cap, PageTableCap)
    page_table.invoke(cap, world.call(Label.PAGE_TABLE_UNMAP, slot=slot))


def test_unmap_a_table(world: World, space: Slot) -> None:
    upper, lower = with_tables(world, space)
    page = world.slot(world.frame())
    map_frame(world, page, space, CODE)
    unmap_table(world, lower)
    assert isinstance(lower.cap, PageTableCap) and not lower.cap.is_mapped
    assert lower.cap.table.entries[0] == PageTableEntry()
    assert vspace.walk(root_table(space), CODE).level == 1
    map_table(world, lower, space, CODE)  # and again
    copy = world.slot()
    insert(upper.cap, upper, copy)
    with pytest.raises(RevokeFirst):
        unmap_table(world, upper)
    with pytest.raises(RevokeFirst):
        unmap_table(world, space)
    unmap_table(world, table(world))  # not mapped: nothing to do


def test_deleting_tables(world: World, space: Slot) -> None:
    upper, lower = with_tables(world, space)
    derivation.delete(lower)
    assert vspace.walk(root_table(space), CODE).level == 1
    derivation.delete(upper)
    assert vspace.walk(root_table(space), CODE).level == 2
    derivation.delete(table(world))


def test_a_table_of_a_space_that_is_gone(world: World, space: Slot) -> None:
    upper, _ = with_tables(world, space)
    root = root_table(space)
    derivation.delete(space)
    unmap_table(world, upper)
    assert root.entries[0].valid  # the old root is not looked at any more
    assert isinstance(upper.cap, PageTableCap) and not upper.cap.is_mapped


# Frames ---------------------------------------------------------------------------------------------------


def test_map_a_page(world: World, space: Slot) -> None:
    with_tables(world, space)
    slot = world.slot(world.frame())
    entry = map_frame(world, slot, space, CODE)
    assert isinstance(slot.cap, FrameCap)
    assert (slot.cap.asid, slot.cap.mapped_address) == (1, CODE)
    assert entry.frame << 12 == slot.cap.base
    assert entry.valid and entry.read and entry.write and entry.execute and entry.user
    assert entry.accessed and entry.dirty and not entry.is_global
    assert (CODE, 1) in world.processor.fences


@pytest.mark.parametrize(
    ("rights", "attributes", "expected"),
    [(RW, 1, (1, 1, 0)), (READ, 0, (1, 0, 1)), (READ, 1, (1, 0, 0)), (WRITE, 0, (0, 0, 1))],
)
def test_rights_of_mappings(
    world: World, space: Slot, rights: int, attributes: int, expected: tuple[int, int, int]
) -> None:
    with_tables(world, space)
    entry = map_frame(world, world.slot(world.frame()), space, CODE, rights, attributes)
    assert (entry.read, entry.write, entry.execute) == expected


def test_no_rights_at_all_is_no_mapping(world: World, space: Slot) -> None:
    with_tables(world, space)
    assert not map_frame(world, world.slot(world.frame()), space, CODE, WRITE, 1).valid


def test_the_capability_limits_the_mapping(world: World, space: Slot) -> None:
    with_tables(world, space)
    entry = map_frame(world, world.slot(replace(world.frame(), can_write=False)), space, CODE)
    assert entry.read and not entry.write


def test_remapping_changes_the_rights(world: World, space: Slot) -> None:
    with_tables(world, space)
    slot = world.slot(world.frame())
    map_frame(world, slot, space, CODE)
    assert not map_frame(world, slot, space, CODE, READ).write
    with pytest.raises(InvalidArgument) as wrong:
        map_frame(world, slot, space, CODE + 0x1000)
    assert wrong.value.argument == 0
    pool = kernel.asid_pools[0]
    assert pool is not None
    other = root_from(world, ASIDPoolCap(0, pool))
    with_tables(world, other)
    with pytest.raises(InvalidCapability) as caught:
        map_frame(world, slot, other, CODE)
    assert caught.value.argument == 1


@pytest.mark.parametrize(("size", "tables"), [(FrameSize.MEGA, 1), (FrameSize.GIGA, 0)])
def test_large_pages(world: World, space: Slot, size: FrameSize, tables: int) -> None:
    address = 1 << 30
    for _ in range(tables):
        map_table(world, table(world), space, address)
    slot = world.slot(FrameCap(size, True, True, True, 1 << 30, 0, 0))
    assert map_frame(world, slot, space, address).frame == 1 << 18
    with pytest.raises(DeleteFirst):
        map_table(world, table(world), space, address)
    derivation.delete(slot)
    place = vspace.walk(root_table(space), address)
    assert not place.table.entries[place.index].valid


def test_page_map_errors(world: World, space: Slot) -> None:
    slot = world.slot(world.frame())
    cap = slot.cap
    assert isinstance(cap, FrameCap)
    for call in (
        world.call(Label.PAGE_MAP, CODE, RW, 0, slot=slot),
        world.call(Label.PAGE_MAP, CODE, RW, slot=slot, caps=(space,)),
    ):
        with pytest.raises(TruncatedMessage):
            frame.invoke(cap, call)
    with pytest.raises(IllegalOperation):
        frame.invoke(cap, world.call(Label.PAGE_TABLE_MAP, slot=slot))
    for wrong in (table(world), world.slot(DomainCap())):
        with pytest.raises(InvalidCapability) as caught:
            map_frame(world, slot, wrong, CODE)
        assert caught.value.argument == 1
    for beyond in (USER_TOP, USER_TOP - 8):  # where the page ends is looked at before where it begins
        with pytest.raises(InvalidArgument):
            map_frame(world, slot, space, beyond)
    with pytest.raises(AlignmentError):
        map_frame(world, slot, space, CODE + 8)
    with pytest.raises(FailedLookup) as failed:
        map_frame(world, slot, space, CODE)
    assert (failed.value.kind, failed.value.word0) == (LookupFailureKind.MISSING_CAPABILITY, 30)
    upper, _ = with_tables(world, space)
    with pytest.raises(InvalidCapability):
        map_frame(world, slot, upper, CODE)
    map_frame(world, slot, space, CODE)
    with pytest.raises(DeleteFirst):
        map_frame(world, world.slot(world.frame()), space, CODE)
    with pytest.raises(FailedLookup) as failed:
        map_frame(world, world.slot(world.frame(FrameSize.MEGA)), space, CODE)
    assert failed.value.word0 == 12
    vspace.release(1, root_table(space))
    with pytest.raises(FailedLookup) as failed:
        map_frame(world, slot, space, CODE)
    assert failed.value.kind is LookupFailureKind.INVALID_ROOT


def test_a_large_page_does_not_replace_a_table(world: World, space: Slot) -> None:
    """A mapped mega page whose address space was torn down meanwhile finds a table in its place."""
    map_table(world, table(world), space, CODE)
    slot = world.slot(world.frame(FrameSize.MEGA))
    map_frame(world, slot, space, CODE)
    place = vspace.walk(root_table(space), CODE)
    place.table.entries[place.index] = vspace.INVALID
    map_table(world, table(world), space, CODE)
    with pytest.raises(FailedLookup):
        map_frame(world, slot, space, CODE)


def test_unmap_a_page(world: World, space: Slot) -> None:
    _, lower = with_tables(world, space)
    slot = world.slot(world.frame())
    map_frame(world, slot, space, CODE)
    cap = slot.cap
    assert isinstance(cap, FrameCap) and isinstance(lower.cap, PageTableCap)
    frame.invoke(cap, world.call(Label.PAGE_UNMAP, slot=slot))
    assert slot.cap == replace(cap, asid=0, mapped_address=0)
    assert not lower.cap.table.entries[0].valid


def test_unmap_leaves_others_alone(world: World, space: Slot) -> None:
    """A stale capability does not take away what took its place."""
    _, lower = with_tables(world, space)
    slot, other = world.slot(world.frame()), world.slot(world.frame())
    map_frame(world, slot, space, CODE)
    stale = slot.cap
    assert isinstance(stale, FrameCap) and isinstance(lower.cap, PageTableCap)
    frame.unmap(stale)
    map_frame(world, other, space, CODE)
    frame.unmap(stale)
    assert lower.cap.table.entries[0].valid


def test_get_address(world: World) -> None:
    slot = world.slot(world.frame())
    cap = slot.cap
    assert isinstance(cap, FrameCap)
    assert frame.invoke(cap, world.call(Label.PAGE_GET_ADDRESS, slot=slot)) == 1
    assert world.result(0) == cap.base


@pytest.mark.skipif("config.getoption('both_lives', default=False)", reason="the window is elsewhere then")
def test_the_window_is_one_distance(world: World) -> None:
    assert vspace.index_of(WINDOW_BASE, 2) == 256
