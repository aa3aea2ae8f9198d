"""Retype: every object, every check in its order, and memory used again."""

from __future__ import annotations

import pytest

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.kernel import derivation, scheduler, untyped
from pith.kernel.errors import (
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    InvalidArgument,
    NotEnoughMemory,
    Preempted,
    RangeError,
    TruncatedMessage,
)
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    DomainCap,
    EndpointCap,
    FrameCap,
    FrameSize,
    NotificationCap,
    NullCap,
    PageTableCap,
    ReplyCap,
    SchedContextCap,
    Slot,
    ThreadCap,
    ThreadSlot,
    UntypedCap,
)
from pith.kernel.riscv64.window import physical_of
from pith.kernel.state import kernel

from .conftest import World


def retype(
    world: World,
    slot: Slot,
    kind: ObjectType | int,
    size_bits: int = 0,
    *,
    node: tuple[int, int] = (0, 0),
    first: int = 0,
    count: int = 1,
    root: Slot | None = None,
) -> None:
    if kernel.current is None:
        kernel.current = world.thread()
    if root is None:
        root = kernel.current.slots[ThreadSlot.CSPACE]
    call = world.call(
        Label.UNTYPED_RETYPE, int(kind), size_bits, *node, first, count, slot=slot, caps=(root,)
    )
    cap = slot.cap
    assert isinstance(cap, UntypedCap)
    assert untyped.invoke(cap, call) == 0


def made(world: World, index: int = 0) -> Cap:
    assert kernel.current is not None
    return world.root_slot(kernel.current, index).cap


def watermark(slot: Slot) -> int:
    assert isinstance(slot.cap, UntypedCap)
    return slot.cap.watermark


KINDS = [
    (ObjectType.UNTYPED, 10, UntypedCap, 1 << 10),
    (ObjectType.TCB, 0, ThreadCap, 2048),
    (ObjectType.ENDPOINT, 0, EndpointCap, 16),
    (ObjectType.NOTIFICATION, 0, NotificationCap, 64),
    (ObjectType.CNODE, 4, CNodeCap, 512),
    (ObjectType.SCHED_CONTEXT, 8, SchedContextCap, 256),
    (ObjectType.REPLY, 0, ReplyCap, 32),
    (ObjectType.PAGE, 0, FrameCap, 4096),
    (ObjectType.MEGA_PAGE, 0, FrameCap, 2 << 20),
    (ObjectType.PAGE_TABLE, 0, PageTableCap, 4096),
]


@pytest.mark.parametrize(("kind", "size_bits", "cap", "size"), KINDS)
def test_every_object(world: World, kind: ObjectType, size_bits: int, cap: type[object], size: int) -> None:
    slot = world.untyped(22)
    retype(world, slot, kind, size_bits, first=3, count=2)
    for index in (3, 4):
        assert isinstance(made(world, index), cap)
    assert watermark(slot) == 2 * size
    assert kernel.current is not None
    child = world.root_slot(kernel.current, 3)
    assert slot.link.next is not None and slot.link.next.link.next is child
    assert child.link.revocable and child.link.first_badged


def test_giga_pages_are_made_of_giga_untypeds(world: World) -> None:
    slot = world.slot(UntypedCap(30, True, 0x4000_0000, 0))
    retype(world, slot, ObjectType.GIGA_PAGE)
    assert made(world) == FrameCap(FrameSize.GIGA, True, True, True, 0x4000_0000, 0, 0)


def test_objects_are_aligned_to_their_size(world: World) -> None:
    slot = world.untyped(16)
    retype(world, slot, ObjectType.ENDPOINT)
    retype(world, slot, ObjectType.TCB, first=1)
    cap, thread = slot.cap, made(world, 1)
    assert isinstance(cap, UntypedCap) and isinstance(thread, ThreadCap)
    assert physical_of(thread.thread.address) == cap.base + 2048
    assert cap.watermark == 4096


def test_a_new_thread_is_in_the_current_domain(world: World) -> None:
    kernel.current_domain = 3
    retype(world, world.untyped(12), ObjectType.TCB)
    cap = made(world)
    assert isinstance(cap, ThreadCap) and cap.thread.domain == 3


def test_into_a_cnode_below_the_root(world: World) -> None:
    kernel.current = world.thread(radix=8)
    below = world.cnode(4, guard_size=0)
    world.put(world.root_slot(kernel.current, 7), below)
    retype(world, world.untyped(12), ObjectType.ENDPOINT, node=(7, 64), first=15)
    assert isinstance(world.slot_of(below, 15).cap, EndpointCap)


# Checks, in their order -----------------------------------------------------------------------------------


def test_label_and_length(world: World) -> None:
    slot = world.untyped(12)
    cap = slot.cap
    assert isinstance(cap, UntypedCap)
    with pytest.raises(IllegalOperation):
        untyped.invoke(cap, world.call(Label.TCB_SUSPEND, slot=slot))
    with pytest.raises(TruncatedMessage):
        untyped.invoke(cap, world.call(Label.UNTYPED_RETYPE, 0, 0, 0, 0, 0, 1, slot=slot))
    with pytest.raises(TruncatedMessage):
        untyped.invoke(cap, world.call(Label.UNTYPED_RETYPE, 0, 0, 0, 0, 0, slot=slot, caps=(slot,)))


@pytest.mark.parametrize(
    ("kind", "size_bits", "argument"),
    [(11, 0, 0), (1 << 63, 0, 0), (ObjectType.CNODE, 0, 1), (ObjectType.UNTYPED, 3, 1),
     (ObjectType.SCHED_CONTEXT, 6, 1)],
)  # fmt: skip
def test_senseless_objects(world: World, kind: int, size_bits: int, argument: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        retype(world, world.untyped(12), kind, size_bits)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("kind", "size_bits"),
    [(ObjectType.UNTYPED, 39), (ObjectType.CNODE, 34), (ObjectType.TCB, 64), (ObjectType.UNTYPED, 1 << 60)],
)
def test_sizes_out_of_range(world: World, kind: ObjectType, size_bits: int) -> None:
    with pytest.raises(RangeError) as caught:
        retype(world, world.untyped(12), kind, size_bits)
    assert (caught.value.minimum, caught.value.maximum) == (0, 38)


def test_destination_that_is_no_cnode(world: World) -> None:
    kernel.current = world.thread()
    world.put(world.root_slot(kernel.current, 7), DomainCap())
    for arguments, bits_left in (({"node": (7, 64)}, 64), ({"root": world.slot(DomainCap())}, 0)):
        with pytest.raises(FailedLookup) as caught:
            retype(world, world.untyped(12), ObjectType.ENDPOINT, **arguments)  # type: ignore[arg-type]
        assert not caught.value.is_source
        assert caught.value.kind is LookupFailureKind.MISSING_CAPABILITY
        assert caught.value.word0 == bits_left
    with pytest.raises(RangeError):
        retype(world, world.untyped(12), ObjectType.ENDPOINT, node=(7, 65))


@pytest.mark.parametrize(
    ("first", "count", "limits"),
    [(256, 1, (0, 255)), (1 << 63, 1, (0, 255)), (0, 0, (1, 256)), (0, 257, (1, 256)), (255, 2, (1, 1)),
     (1, 256, (1, 255))],
)  # fmt: skip
def test_window_of_slots(world: World, first: int, count: int, limits: tuple[int, int]) -> None:
    with pytest.raises(RangeError) as caught:
        retype(world, world.untyped(16), ObjectType.ENDPOINT, first=first, count=count)
    assert (caught.value.minimum, caught.value.maximum) == limits


def test_all_slots_must_be_empty(world: World) -> None:
    kernel.current = world.thread()
    world.put(world.root_slot(kernel.current, 2), DomainCap())
    with pytest.raises(DeleteFirst):
        retype(world, world.untyped(16), ObjectType.ENDPOINT, count=3)
    assert isinstance(made(world, 0), NullCap)


def test_not_enough_memory(world: World) -> None:
    slot = world.untyped(12)
    retype(world, slot, ObjectType.ENDPOINT)
    for kind, count in ((ObjectType.PAGE, 1), (ObjectType.TCB, 2)):
        with pytest.raises(NotEnoughMemory) as caught:
            retype(world, slot, kind, first=1, count=count)
        assert caught.value.available == 4080


def test_the_last_byte_counts(world: World) -> None:
    slot = world.untyped(12)
    retype(world, slot, ObjectType.ENDPOINT, count=256)
    assert watermark(slot) == 4096
    derivation.delete(world.root_slot(kernel.current, 0))  # type: ignore[arg-type]
    with pytest.raises(NotEnoughMemory) as caught:
        retype(world, slot, ObjectType.ENDPOINT)
    assert caught.value.available == 0


@pytest.mark.parametrize(("kind", "size_bits", "cap", "size"), KINDS)
def test_device_memory_is_for_frames_and_untypeds(
    world: World, kind: ObjectType, size_bits: int, cap: type[object], size: int
) -> None:
    slot = world.slot(UntypedCap(22, True, 0x1000_0000, 0))
    if kind in (ObjectType.UNTYPED, ObjectType.PAGE, ObjectType.MEGA_PAGE):
        retype(world, slot, kind, size_bits)
        child = made(world)
        assert isinstance(child, (UntypedCap, FrameCap)) and child.is_device
    else:
        with pytest.raises(InvalidArgument) as caught:
            retype(world, slot, kind, size_bits)
        assert caught.value.argument == 1


# Memory used again ----------------------------------------------------------------------------------------


def test_a_childless_untyped_begins_anew_and_clears(world: World) -> None:
    slot = world.untyped(14)
    retype(world, slot, ObjectType.PAGE, count=3)
    page = made(world, 1)
    assert isinstance(page, FrameCap)
    world.write(page.base, b"secret")
    derivation.revoke(slot)
    assert watermark(slot) == 3 << 12  # until it is asked again
    retype(world, slot, ObjectType.PAGE, count=4)
    assert world.bytes_at(page.base, 6) == bytes(6)
    assert watermark(slot) == 4 << 12


def test_device_memory_is_never_cleared(world: World) -> None:
    slot = world.slot(UntypedCap(12, True, world.place(4096), 4096))
    cap = slot.cap
    assert isinstance(cap, UntypedCap)
    world.write(cap.base, b"register")
    retype(world, slot, ObjectType.PAGE)
    assert world.bytes_at(cap.base, 8) == b"register"
    assert watermark(slot) == 4096


def test_clearing_stops_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = world.untyped(14)
    retype(world, slot, ObjectType.PAGE, count=4)
    derivation.revoke(slot)

    def interrupt() -> None:
        raise Preempted()

    monkeypatch.setattr(scheduler, "preemption_point", interrupt)
    for left in (3, 2, 1, 0):
        with pytest.raises(Preempted):
            retype(world, slot, ObjectType.PAGE, count=4)
        assert watermark(slot) == left << 12
    retype(world, slot, ObjectType.PAGE, count=4)
    assert isinstance(made(world, 3), FrameCap)


def test_nothing_is_cleared_while_a_child_lives(world: World) -> None:
    slot = world.untyped(14)
    retype(world, slot, ObjectType.PAGE, count=2)
    derivation.delete(world.root_slot(kernel.current, 0))  # type: ignore[arg-type]
    retype(world, slot, ObjectType.PAGE, first=5)
    assert watermark(slot) == 3 << 12
