"""Capabilities as values: derivation, rights, badges and guards, regions and families."""

from __future__ import annotations

import pytest

from pith.abi.messages import CapRights
from pith.kernel.capability import (
    becomes_original,
    derive,
    has_children,
    is_final,
    is_parent,
    mask_rights,
    region_of,
    same_object,
    same_region,
    with_data,
)
from pith.kernel.cspace import insert
from pith.kernel.errors import IllegalOperation, RevokeFirst
from pith.kernel.objects import (
    ASIDPool,
    ASIDPoolCap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    FrameSize,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    UntypedCap,
    ZombieCap,
)
from pith.metal import replace

from .conftest import World

ALL = CapRights(True, True, True, True)
NONE = CapRights(False, False, False, False)


def endpoint_cap(world: World, badge: int = 0) -> EndpointCap:
    return EndpointCap(True, True, True, True, world.make(Endpoint), badge)


def test_most_capabilities_derive_as_they_are(world: World) -> None:
    cap = endpoint_cap(world)
    assert derive(world.slot(cap), cap) == cap


def test_a_derived_frame_is_not_mapped(world: World) -> None:
    cap = replace(world.frame(), asid=7, mapped_address=0x1000)
    assert derive(world.slot(cap), cap) == replace(cap, asid=0, mapped_address=0)


def test_a_page_table_derives_only_when_mapped(world: World) -> None:
    cap = PageTableCap(False, False, world.make(PageTable), 0, 0)
    with pytest.raises(IllegalOperation):
        derive(world.slot(cap), cap)
    mapped = replace(cap, is_mapped=True, asid=1)
    assert derive(world.slot(mapped), mapped) == mapped


def test_irq_control_and_zombies_do_not_derive(world: World) -> None:
    zombie = ZombieCap(3, False, world.make(Slot), 8)
    for cap in (IRQControlCap(), zombie):
        assert derive(world.slot(cap), cap) == NullCap()


def test_an_untyped_derives_only_without_children(world: World) -> None:
    parent = world.untyped(12)
    copy = world.slot()
    assert derive(parent, parent.cap) == parent.cap
    insert(parent.cap, parent, copy)
    with pytest.raises(RevokeFirst):
        derive(parent, parent.cap)


def test_rights_only_shrink(world: World) -> None:
    full = endpoint_cap(world)
    assert mask_rights(full, ALL) == full
    assert mask_rights(mask_rights(full, NONE), ALL) == replace(
        full, can_send=False, can_receive=False, can_grant=False, can_grant_reply=False
    )
    assert mask_rights(full, CapRights(True, False, False, True)) == replace(
        full, can_receive=False, can_grant=False
    )
    notification = NotificationCap(True, True, world.make(Notification), 0)
    read = CapRights(False, True, True, True)
    assert mask_rights(notification, read) == replace(notification, can_send=False)
    assert mask_rights(DomainCap(), NONE) == DomainCap()


def test_reply_rights(world: World) -> None:
    reply = ReplyCap(True, world.make(Reply))
    assert mask_rights(reply, CapRights(True, True, False, True)) == replace(reply, can_grant=False)


def test_a_frame_cannot_be_write_only(world: World) -> None:
    frame = world.frame()
    assert mask_rights(frame, CapRights(True, False, True, True)) == replace(
        frame, can_read=False, can_write=False
    )
    assert mask_rights(frame, CapRights(False, True, False, False)) == replace(frame, can_write=False)


def test_badging_once_and_only_copies(world: World) -> None:
    cap = endpoint_cap(world)
    badged = with_data(cap, 5, is_moved=False)
    assert badged == replace(cap, badge=5)
    assert with_data(badged, 6, is_moved=False) == NullCap()
    assert with_data(cap, 5, is_moved=True) == NullCap()
    notification = NotificationCap(True, False, world.make(Notification), 0)
    assert with_data(notification, 1 << 63, is_moved=False) == replace(notification, badge=1 << 63)


def test_guards(world: World) -> None:
    cap = world.cnode(radix=4, guard_size=0)
    assert with_data(cap, 0xAB << 6 | 8, is_moved=True) == replace(cap, bits_below=52, guard=0xAB)
    assert with_data(cap, 0xAB << 6 | 4, is_moved=False) == replace(cap, bits_below=56, guard=0xB)
    assert with_data(cap, 60, is_moved=True) == replace(cap, bits_below=0)
    assert with_data(cap, 61, is_moved=True) == NullCap()


def test_data_of_others_is_ignored(world: World) -> None:
    assert with_data(world.frame(), 3, is_moved=False) != NullCap()
    assert with_data(DomainCap(), 3, is_moved=True) == DomainCap()


def test_originals(world: World) -> None:
    cap = endpoint_cap(world)
    assert not becomes_original(cap, cap)
    assert becomes_original(replace(cap, badge=1), cap)
    untyped = UntypedCap(12, False, 0x8000_0000, 0)
    assert becomes_original(untyped, untyped)
    assert becomes_original(IRQHandlerCap(3), IRQControlCap())
    assert not becomes_original(IRQHandlerCap(3), IRQHandlerCap(3))
    assert not becomes_original(world.frame(), world.frame())


def test_every_object_lies_in_the_untyped_that_covers_it(world: World) -> None:
    start = world.place(1 << 16)
    untyped = UntypedCap(16, False, start, 0)
    world.free = start
    thread = world.make(Thread)
    inside = [
        endpoint_cap(world),
        NotificationCap(True, True, world.make(Notification), 0),
        ReplyCap(True, world.make(Reply)),
        world.cnode(4),
        ThreadCap(thread),
        SchedContextCap(8, world.make(SchedContext, 256)),
        PageTableCap(False, False, world.make(PageTable), 0, 0),
        ASIDPoolCap(0, world.make(ASIDPool)),
        ZombieCap(4, False, world.cnode(4).cnode, 16),
        ZombieCap(0, True, thread.slots[0], 5),
        world.frame(),
        UntypedCap(4, False, start, 0),
        untyped,
    ]
    elsewhere = UntypedCap(16, False, start + (1 << 16), 0)
    for cap in inside:
        assert same_region(untyped, cap), cap
        assert not same_region(elsewhere, cap)
    for cap in (NullCap(), DomainCap(), IRQControlCap(), IRQHandlerCap(1)):
        assert not same_region(untyped, cap)
    assert region_of(ZombieCap(0, True, thread.slots[0], 5)) == region_of(ThreadCap(thread))


def test_an_object_that_sticks_out_is_not_covered(world: World) -> None:
    frame = world.frame(FrameSize.MEGA)
    assert not same_region(UntypedCap(20, False, frame.base, 0), frame)


def test_regions_of_frames_and_interrupts(world: World) -> None:
    frame = world.frame()
    assert same_region(frame, replace(frame, asid=3, mapped_address=0x4000))
    assert not same_region(frame, world.frame())
    assert not same_region(frame, UntypedCap(12, False, frame.base, 0))
    assert same_region(IRQControlCap(), IRQHandlerCap(9))
    assert not same_object(IRQControlCap(), IRQHandlerCap(9))
    assert same_object(IRQControlCap(), IRQControlCap())
    assert same_object(IRQHandlerCap(9), IRQHandlerCap(9))
    assert not same_region(IRQHandlerCap(9), IRQHandlerCap(8))
    assert same_object(frame, frame)
    assert not same_object(frame, replace(frame, base=frame.base + 0x1000))


def test_memory_is_never_the_same_object(world: World) -> None:
    untyped = UntypedCap(12, False, world.place(4096), 0)
    assert same_region(untyped, untyped)
    assert not same_object(untyped, untyped)


def test_zombies_are_nobodys_equal(world: World) -> None:
    cnode = world.cnode(4)
    zombie = ZombieCap(4, False, cnode.cnode, 16)
    assert not same_object(zombie, zombie)
    assert not same_object(cnode, zombie)
    assert isinstance(cnode, CNodeCap) and same_object(cnode, replace(cnode, guard=0))


def test_families_of_badges(world: World) -> None:
    original = world.slot(endpoint_cap(world))
    five, copy_of_five, six = world.slot(), world.slot(), world.slot()
    cap = original.cap
    assert isinstance(cap, EndpointCap)
    insert(replace(cap, badge=5), original, five)
    insert(replace(cap, badge=5), five, copy_of_five)
    insert(replace(cap, badge=6), original, six)
    assert all(is_parent(original, slot) for slot in (five, copy_of_five, six))
    assert is_parent(five, copy_of_five)
    assert not is_parent(copy_of_five, five)
    assert not is_parent(six, five)
    assert has_children(original) and has_children(five) and not has_children(copy_of_five)


def test_two_families_of_one_badge_stay_apart(world: World) -> None:
    original = world.slot(endpoint_cap(world))
    first, second = world.slot(), world.slot()
    cap = original.cap
    assert isinstance(cap, EndpointCap)
    insert(replace(cap, badge=5), original, first)
    insert(replace(cap, badge=5), original, second)
    assert not has_children(second)  # `first` follows it, but begins a family of its own


def test_the_last_capability_is_final(world: World) -> None:
    original = world.slot(endpoint_cap(world))
    copy = world.slot()
    assert is_final(original)
    insert(original.cap, original, copy)
    assert not is_final(original) and not is_final(copy)
