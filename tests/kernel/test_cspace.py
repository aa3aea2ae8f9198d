"""Capability spaces: guarded lookup with every way to fail, and the derivation order under every change."""

from __future__ import annotations

import itertools

import pytest

from pith.abi.errors import LookupFailureKind
from pith.kernel.cspace import (
    insert,
    insert_new,
    lookup_cap,
    lookup_empty,
    lookup_in,
    lookup_slot,
    move,
    remove,
    resolve,
    swap,
)
from pith.kernel.errors import DeleteFirst, FailedLookup, LookupFailure, RangeError
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    IRQControlCap,
    IRQHandlerCap,
    NullCap,
    Slot,
    ThreadSlot,
    UntypedCap,
)
from pith.metal import MASK64, replace

from .conftest import World


def failure_of(root: Cap, address: int, depth: int) -> tuple[int, ...]:
    with pytest.raises(LookupFailure) as caught:
        resolve(root, address, depth)
    failure = caught.value
    return failure.kind, failure.word0, failure.word1, failure.word2


def test_a_flat_cspace(world: World) -> None:
    root = world.cnode(8)
    found = resolve(root, 0x2A, 64)
    assert found.slot is world.slot_of(root, 0x2A)
    assert found.bits_left == 0


def test_only_the_lowest_bits_of_the_depth_count(world: World) -> None:
    root = world.cnode(8, guard_size=0)
    assert resolve(root, 0xFFF7, 8).slot is world.slot_of(root, 0xF7)


def test_two_levels_and_leftover_bits(world: World) -> None:
    """The manual's example: a 4-bit guard and an 8-bit radix on two levels."""
    root, second = world.cnode(8, guard_size=4), world.cnode(8, guard_size=4)
    world.put(world.slot_of(root, 0x60), DomainCap())
    world.put(world.slot_of(root, 0x0F), second)
    found = resolve(root, 0x06000000, 32)
    assert (found.slot, found.bits_left) == (world.slot_of(root, 0x60), 20)
    found = resolve(root, 0x00F06000, 32)
    assert (found.slot, found.bits_left) == (world.slot_of(second, 0x60), 8)
    assert resolve(root, 0x00F, 12).slot is world.slot_of(root, 0x0F)


def test_failures_of_lookup(world: World) -> None:
    root = world.cnode(8, guard_size=4, guard=0xC)
    assert failure_of(NullCap(), 0, 64) == (LookupFailureKind.INVALID_ROOT, 0, 0, 0)
    assert failure_of(root, 0xB00, 12) == (LookupFailureKind.GUARD_MISMATCH, 12, 0xC, 4)
    assert failure_of(root, 0x4, 3) == (LookupFailureKind.GUARD_MISMATCH, 3, 0xC, 4)
    assert failure_of(root, 0xC0, 8) == (LookupFailureKind.DEPTH_MISMATCH, 8, 12, 0)


def test_a_second_level_that_asks_for_too_much(world: World) -> None:
    root, second = world.cnode(8, guard_size=0), world.cnode(8, guard_size=0)
    world.put(world.slot_of(root, 1), second)
    assert failure_of(root, 0x01F, 12) == (LookupFailureKind.DEPTH_MISMATCH, 4, 8, 0)


def test_a_cspace_that_contains_itself_ends(world: World) -> None:
    root = world.cnode(8, guard_size=0)
    world.put(world.slot_of(root, 0), root)
    assert resolve(root, 3, 64).slot is world.slot_of(root, 3)


def test_lookup_for_threads(world: World) -> None:
    thread = world.thread()
    world.put(world.root_slot(thread, 9), DomainCap())
    assert lookup_slot(thread, 9) is world.root_slot(thread, 9)
    assert lookup_cap(thread, 9) == DomainCap()
    world.put(thread.slots[ThreadSlot.CSPACE], NullCap())
    with pytest.raises(LookupFailure):
        lookup_slot(thread, 9)


def test_lookup_for_operations_on_slots(world: World) -> None:
    root = world.cnode(8)
    assert lookup_in(root, 3, 64, False) is world.slot_of(root, 3)
    for depth in (0, 65, 1 << 63):
        with pytest.raises(RangeError) as caught:
            lookup_in(root, 3, depth, False)
        assert (caught.value.minimum, caught.value.maximum) == (1, 64)
    for is_source in (False, True):
        with pytest.raises(FailedLookup) as failed:
            lookup_in(NullCap(), 3, 0, is_source)
        assert (failed.value.is_source, failed.value.kind) == (is_source, LookupFailureKind.INVALID_ROOT)
    with pytest.raises(FailedLookup) as failed:
        lookup_in(root, 1 << 63, 64, True)
    assert (failed.value.kind, failed.value.word0) == (LookupFailureKind.GUARD_MISMATCH, 64)


def test_a_slot_must_be_reached_exactly(world: World) -> None:
    root = world.cnode(8, guard_size=0)
    with pytest.raises(FailedLookup) as failed:
        lookup_in(root, 0, 12, True)
    assert (failed.value.kind, failed.value.word0, failed.value.word1) == (
        LookupFailureKind.DEPTH_MISMATCH, 4, 0,
    )  # fmt: skip


def test_an_occupied_destination(world: World) -> None:
    root = world.cnode(8)
    world.put(world.slot_of(root, 1), DomainCap())
    assert lookup_empty(root, 0, 64) is world.slot_of(root, 0)
    with pytest.raises(DeleteFirst):
        lookup_empty(root, 1, 64)


# Guards and depths at their edges ---------------------------------------------------------------------------

SHAPES = [(radix, guard_size) for radix in (1, 2, 5) for guard_size in (0, 1, 5, 31, 58, 59, 62, 63)]
FITTING = [(radix, guard_size) for radix, guard_size in SHAPES if radix + guard_size <= 64]


def follow(world: World, root: CNodeCap, address: int, depth: int) -> tuple[object, ...]:
    """What `resolve` must find, by the manual's words: the bits of the address as text, consumed from the left."""
    left = f"{address:064b}"[64 - depth :]
    node: Cap = root
    while isinstance(node, CNodeCap):
        guard = f"{node.guard:b}".zfill(node.guard_size) if node.guard_size else ""
        if not left.startswith(guard):
            return LookupFailureKind.GUARD_MISMATCH, len(left), node.guard, node.guard_size
        if len(left) < node.guard_size + node.radix:
            return LookupFailureKind.DEPTH_MISMATCH, len(left), node.guard_size + node.radix, 0
        left = left.removeprefix(guard)
        slot = world.slot_of(node, int(left[: node.radix], 2))
        left = left[node.radix :]
        if not left:
            break
        node = slot.cap
    return slot, len(left)


@pytest.mark.parametrize(("radix", "guard_size"), FITTING)
@pytest.mark.parametrize("full", [False, True], ids=["zeros", "ones"])
def test_every_guard_at_every_depth(world: World, radix: int, guard_size: int, full: bool) -> None:
    """Guards of no bit, all bits 0 and all bits 1, against addresses that match, that do not, and that nearly do."""
    guard = (1 << guard_size) - 1 if full else 0
    root, inner = world.cnode(radix, guard_size, guard), world.cnode(2, 3, guard & 7)
    world.put(world.slot_of(root, (1 << radix) - 1), inner)
    world.put(world.slot_of(inner, 0), root)
    exact = guard << radix | (1 << radix) - 1
    addresses = {0, exact, exact << 5 & MASK64, (exact << 5 | guard & 7) & MASK64, MASK64, 1 << 63}
    addresses |= {address ^ 1 << bit for address in (exact,) for bit in (0, radix, guard_size + radix - 1)}
    for depth in range(1, 65):
        for address in addresses:
            expected = follow(world, root, address, depth)
            if isinstance(expected[0], LookupFailureKind):
                assert failure_of(root, address, depth) == expected
            else:
                found = resolve(root, address, depth)
                assert (found.slot, found.bits_left) == expected


# The derivation order -------------------------------------------------------------------------------------


def order(first: Slot) -> list[Slot]:
    """The slots from `first` on, checked link by link."""
    slots: list[Slot] = []
    slot: Slot | None = first
    assert first.previous is None
    while slot is not None:
        assert slot.previous is (slots[-1] if slots else None)
        slots.append(slot)
        slot = slot.link.next
    return slots


def chain(world: World, count: int) -> list[Slot]:
    """An original endpoint capability and its copies, in derivation order."""
    slots = [world.slot(EndpointCap(True, True, True, True, world.make(Endpoint), 0))]
    while len(slots) < count:
        slots.append(world.slot())
        insert(slots[0].cap, slots[-2], slots[-1])
    return slots


def test_insert_goes_directly_behind_the_source(world: World) -> None:
    a, b = chain(world, 2)
    c = world.slot()
    insert(a.cap, a, c)
    assert order(a) == [a, c, b]
    assert not c.link.revocable and not c.link.first_badged
    insert_new(DomainCap(), a, d := world.slot())
    assert order(a) == [a, d, c, b]
    assert d.link.revocable and d.link.first_badged


def test_a_copied_untyped_has_nothing_left_itself(world: World) -> None:
    source, copy = world.untyped(12), world.slot()
    cap = source.cap
    insert(cap, source, copy)
    assert copy.cap == cap
    assert isinstance(source.cap, UntypedCap) and source.cap.watermark == 4096


def test_handlers_are_originals_under_irq_control(world: World) -> None:
    control, handler = world.slot(IRQControlCap()), world.slot()
    insert(IRQHandlerCap(4), control, handler)
    assert handler.link.revocable


@pytest.mark.parametrize("index", range(3))
def test_move_keeps_the_place(world: World, index: int) -> None:
    slots = chain(world, 3)
    target = world.slot()
    source = slots[index]
    link = source.link
    move(source.cap, source, target)
    slots[index] = target
    assert order(slots[0]) == slots
    assert (target.link.revocable, target.link.first_badged) == (link.revocable, link.first_badged)
    assert source.cap == NullCap() and source.previous is None and source.link.next is None


@pytest.mark.parametrize("pair", list(itertools.permutations(range(4), 2)))
def test_swap_exchanges_places(world: World, pair: tuple[int, int]) -> None:
    slots = chain(world, 4)
    i, j = pair
    first, second = slots[i], slots[j]
    one, two = IRQHandlerCap(1), IRQHandlerCap(2)
    swap(first, one, second, two)
    slots[i], slots[j] = second, first
    assert order(slots[0]) == slots
    assert (second.cap, first.cap) == (one, two)


def test_swap_between_lists(world: World) -> None:
    left, right = chain(world, 3), chain(world, 2)
    left_cap, right_cap = left[1].cap, right[0].cap
    swap(left[1], left_cap, right[0], right_cap)
    left[1], right[0] = right[0], left[1]
    assert order(left[0]) == left and order(right[0]) == right
    assert left[1].cap == left_cap and right[0].cap == right_cap


@pytest.mark.parametrize("index", range(3))
def test_remove(world: World, index: int) -> None:
    slots = chain(world, 3)
    gone = slots.pop(index)
    remove(gone)
    assert order(slots[0]) == slots
    assert gone.cap == NullCap() and gone.previous is None and gone.link.next is None


def test_a_family_outlives_its_first(world: World) -> None:
    (original,) = chain(world, 1)
    badged, copy = world.slot(), world.slot()
    cap = original.cap
    assert isinstance(cap, EndpointCap)
    insert(replace(cap, badge=3), original, badged)
    insert(badged.cap, badged, copy)
    assert not copy.link.first_badged
    remove(badged)
    assert copy.link.first_badged
