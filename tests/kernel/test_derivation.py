"""Deletion and revocation: every object's end, zombies, cycles, and being interrupted anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pith.abi.objects import ObjectType
from pith.kernel import derivation, scheduler
from pith.kernel.capability import has_children
from pith.kernel.cspace import insert, insert_new
from pith.kernel.errors import Preempted
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NotificationState,
    NullCap,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    ZombieCap,
)
from pith.kernel.state import interrupts, kernel
from pith.kernel.untyped import make
from pith.metal import replace

from .conftest import World


def endpoint_slot(world: World) -> Slot:
    return world.slot(EndpointCap(True, True, True, True, world.make(Endpoint), 0))


def cnode_slot(world: World, radix: int = 2) -> Slot:
    return world.slot(world.cnode(radix, guard_size=0))


def inside(world: World, slot: Slot, index: int) -> Slot:
    assert isinstance(slot.cap, CNodeCap)
    return world.slot_of(slot.cap, index)


def is_empty(slot: Slot) -> bool:
    return slot.cap == NullCap() and slot.previous is None and slot.link.next is None


@pytest.fixture
def interruptions(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], int]:
    """Run an operation that is interrupted at every preemption point; how often that was."""

    def interrupt() -> None:
        raise Preempted()

    def run(operation: Callable[[], None]) -> int:
        monkeypatch.setattr(scheduler, "preemption_point", interrupt)
        count = 0
        while True:
            try:
                operation()
            except Preempted:
                count += 1
                assert count < 10_000
            else:
                return count

    return run


# Slots ----------------------------------------------------------------------------------------------------


def test_an_empty_slot(world: World) -> None:
    slot = world.slot()
    derivation.delete(slot)
    assert is_empty(slot)


def test_only_the_last_capability_ends_the_object(world: World) -> None:
    original, copy, waiting = endpoint_slot(world), world.slot(), waiting_sender(world)
    insert(original.cap, original, copy)
    queue(original.cap, waiting)
    derivation.delete(original)
    assert is_empty(original) and waiting.state is ThreadState.BLOCKED_ON_SEND
    derivation.delete(copy)
    assert is_empty(copy) and waiting.state is ThreadState.RESTART


def waiting_sender(world: World) -> Thread:
    thread = world.thread()
    thread.state = ThreadState.BLOCKED_ON_SEND
    return thread


def queue(cap: Cap, thread: Thread) -> None:
    assert isinstance(cap, EndpointCap)
    cap.endpoint.queue.head = cap.endpoint.queue.tail = thread
    thread.wait_endpoint = cap.endpoint


def test_revoke_deletes_descendants_only(world: World) -> None:
    original = endpoint_slot(world)
    cap = original.cap
    assert isinstance(cap, EndpointCap)
    badged, copy, sibling = world.slot(), world.slot(), world.slot()
    insert(replace(cap, badge=1), original, sibling)
    insert(replace(cap, badge=2), original, badged)
    insert(badged.cap, badged, copy)
    derivation.revoke(badged)
    assert is_empty(copy) and not is_empty(badged) and not is_empty(sibling)
    derivation.revoke(original)
    assert is_empty(badged) and is_empty(sibling) and original.cap == cap
    assert not has_children(original)


def test_revoke_of_memory_ends_all_objects_in_it(world: World) -> None:
    parent = world.untyped(16)
    child = world.slot()
    cap = parent.cap
    insert_new(make(ObjectType.TCB, cap.base, 0, False), parent, child)  # type: ignore[union-attr]
    thread = child.cap
    assert isinstance(thread, ThreadCap)
    held = endpoint_slot(world)
    insert(held.cap, held, thread.thread.slots[ThreadSlot.FAULT_HANDLER])
    derivation.revoke(parent)
    assert is_empty(child) and is_empty(thread.thread.slots[ThreadSlot.FAULT_HANDLER])
    assert not has_children(parent)


# Objects --------------------------------------------------------------------------------------------------


def test_a_notification_ends(world: World) -> None:
    notification = world.make(Notification)
    slot = world.slot(NotificationCap(True, True, notification, 0))
    waiting, bound, context = world.thread(), world.thread(), world.make(SchedContext, 256)
    waiting.state = ThreadState.BLOCKED_ON_NOTIFICATION
    waiting.wait_notification = notification
    notification.queue.head = notification.queue.tail = waiting
    notification.state = NotificationState.WAITING
    notification.bound_thread, bound.bound_notification = bound, notification
    notification.context, context.notification = context, notification
    derivation.delete(slot)
    assert waiting.state is ThreadState.RESTART and notification.queue.head is None
    assert bound.bound_notification is None
    assert context.notification is None


def test_a_reply_ends(world: World) -> None:
    caller, reply = world.thread(), world.make(Reply)
    caller.state = ThreadState.BLOCKED_ON_REPLY
    reply.caller, caller.wait_reply = caller, reply
    derivation.delete(world.slot(ReplyCap(True, reply)))
    assert caller.state is ThreadState.INACTIVE and caller.wait_reply is None and reply.caller is None


def test_a_scheduling_context_ends(world: World) -> None:
    thread, context = world.thread(), world.make(SchedContext, 256)
    thread.context, context.thread = context, thread
    derivation.delete(world.slot(SchedContextCap(8, context)))
    assert thread.context is None


def test_a_thread_ends_with_all_it_holds(world: World) -> None:
    thread, context, notification = world.thread(), world.make(SchedContext, 256), world.make(Notification)
    thread.context, context.thread = context, thread
    thread.bound_notification, notification.bound_thread = notification, thread
    kernel.fpu_owner, thread.float_use = thread, 1
    cspace = thread.slots[ThreadSlot.CSPACE].cap
    assert isinstance(cspace, CNodeCap)
    held = world.put(world.slot_of(cspace, 9), DomainCap())
    slot = world.slot(ThreadCap(thread))
    derivation.delete(slot)
    assert is_empty(slot) and all(is_empty(thread.slots[index]) for index in range(1, 5))
    assert thread.state is ThreadState.INACTIVE
    assert context.thread is None and notification.bound_thread is None and kernel.fpu_owner is None
    assert held.cap == DomainCap()  # in a CNode inside the thread: unreachable, not emptied


def test_a_running_thread_ends(world: World) -> None:
    thread = world.thread()
    kernel.current = thread
    derivation.delete(world.slot(ThreadCap(thread)))
    assert thread.state is ThreadState.INACTIVE


def test_a_frame_ends_unmapped_even_if_copies_live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unmapped: list[Cap] = []
    monkeypatch.setattr(derivation.frame, "unmap", unmapped.append)
    slot, copy = world.slot(world.frame()), world.slot()
    insert(slot.cap, slot, copy)
    cap = copy.cap
    derivation.delete(copy)
    assert unmapped == [cap]


def test_an_interrupt_handler_ends(world: World) -> None:
    control, handler, copy = world.slot(IRQControlCap()), world.slot(), world.slot()
    insert(IRQHandlerCap(5), control, handler)
    insert(handler.cap, handler, copy)
    notification = world.slot(NotificationCap(True, True, world.make(Notification), 0))
    insert(notification.cap, notification, interrupts.slots[5])
    kernel.irq_active[5] = 1
    derivation.delete(handler)
    assert kernel.irq_active[5] == 1 and not is_empty(interrupts.slots[5])
    derivation.delete(copy)
    assert kernel.irq_active[5] == 0 and is_empty(interrupts.slots[5])
    assert not is_empty(notification)


def test_revoking_irq_control_takes_handlers_back(world: World) -> None:
    control, handler = world.slot(IRQControlCap()), world.slot()
    insert(IRQHandlerCap(5), control, handler)
    kernel.irq_active[5] = 1
    derivation.revoke(control)
    assert is_empty(handler) and kernel.irq_active[5] == 0


def test_the_last_notification_capability_may_be_the_kernels(world: World) -> None:
    notification = world.make(Notification)
    bound = world.thread()
    notification.bound_thread, bound.bound_notification = bound, notification
    slot = world.slot(NotificationCap(True, True, notification, 0))
    derivation.delete_notification(slot)
    assert is_empty(slot) and bound.bound_notification is None
    derivation.delete_notification(slot)  # nothing there: nothing to do


# CNodes and zombies ---------------------------------------------------------------------------------------


def test_a_cnode_is_emptied(world: World) -> None:
    slot = cnode_slot(world)
    contents = [world.put(inside(world, slot, index), DomainCap()) for index in range(4)]
    derivation.delete(slot)
    assert is_empty(slot) and all(is_empty(held) for held in contents)


def test_a_copied_cnode_lives(world: World) -> None:
    slot, copy = cnode_slot(world), world.slot()
    held = world.put(inside(world, slot, 3), DomainCap())
    insert(slot.cap, slot, copy)
    derivation.delete(slot)
    assert held.cap == DomainCap()


def test_a_cnode_that_holds_itself(world: World) -> None:
    """Two capabilities: neither is final until the other is gone."""
    slot = cnode_slot(world)
    itself = inside(world, slot, 2)
    insert(slot.cap, slot, itself)
    derivation.delete(slot)
    assert is_empty(slot) and isinstance(itself.cap, CNodeCap)
    derivation.delete(itself)
    assert is_empty(itself)


@pytest.mark.parametrize("index", range(4))
def test_the_only_capability_to_a_cnode_is_inside_it(world: World, index: int) -> None:
    slot = cnode_slot(world)
    cap = slot.cap
    itself = inside(world, slot, index)
    world.put(slot, NullCap())
    world.put(itself, cap)
    derivation.delete(itself)
    assert isinstance(cap, CNodeCap)
    first = world.slot_of(cap, 0)
    if index:  # it was swapped away when its own turn came, and is unreachable now
        assert first.cap == ZombieCap(2, False, cap.cnode, index + 1)
        derivation.delete(first)
    assert all(is_empty(world.slot_of(cap, other)) for other in range(4))


def test_an_inner_cnode_becomes_unreachable(world: World) -> None:
    """The inner CNode is not entered; its zombie stands in its own first slot until its memory is revoked."""
    outer, inner = cnode_slot(world), world.cnode(2)
    held = world.put(world.slot_of(inner, 3), DomainCap())
    first = world.put(world.slot_of(inner, 0), IRQControlCap())
    world.put(inside(world, outer, 1), inner)
    derivation.delete(outer)
    assert is_empty(outer)
    assert first.cap == ZombieCap(2, False, inner.cnode, 4)
    assert held.cap == DomainCap()
    derivation.delete(first)
    assert is_empty(first) and is_empty(held)


def test_revoking_memory_reaches_unreachable_zombies(world: World) -> None:
    memory = world.untyped(12)
    base = memory.cap.base  # type: ignore[union-attr]
    outer, inner = world.slot(), world.slot()
    insert_new(make(ObjectType.CNODE, base, 2, False), memory, outer)
    insert_new(make(ObjectType.CNODE, base + 128, 2, False), memory, inner)
    first, held = inside(world, inner, 0), world.put(inside(world, inner, 1), DomainCap())
    target = inside(world, outer, 2)
    derivation.cspace.move(inner.cap, inner, target)
    derivation.delete(outer)
    assert isinstance(first.cap, ZombieCap) and has_children(memory)
    derivation.revoke(memory)
    assert is_empty(first) and is_empty(held) and not has_children(memory)


def test_a_slot_in_the_cnode_that_it_is_the_last_of(world: World) -> None:
    """Deleting Y[0], the last of X, while X[0] holds the last of Y: the two eat each other."""
    x, y = world.cnode(1), world.cnode(1)
    world.put(world.slot_of(y, 0), x)
    world.put(world.slot_of(x, 0), y)
    world.put(world.slot_of(x, 1), DomainCap())
    world.put(world.slot_of(y, 1), DomainCap())
    derivation.delete(world.slot_of(y, 0))
    assert all(is_empty(world.slot_of(node, index)) for node in (x, y) for index in (0, 1))


def test_a_zombie_of_a_thread_inside_a_cnode(world: World) -> None:
    outer, thread = cnode_slot(world), world.thread()
    world.put(inside(world, outer, 0), ThreadCap(thread))
    derivation.delete(outer)
    assert is_empty(outer)
    assert thread.slots[0].cap == ZombieCap(0, True, thread.slots[0], 5)
    derivation.delete(thread.slots[0])
    assert all(is_empty(thread.slots[index]) for index in range(5))


def test_a_large_cnode_is_emptied_in_strides(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = cnode_slot(world, radix=10)
    held = world.put(inside(world, slot, 500), DomainCap())
    strides: list[int] = []
    monkeypatch.setattr(scheduler, "preemption_point", lambda: strides.append(slot.cap.remaining))  # type: ignore[union-attr]
    derivation.delete(slot)
    assert is_empty(slot) and is_empty(held)
    assert strides == [960, 896, 832, 768, 704, 640, 576, 512, 501, 437, 373, 309, 245, 181, 117, 53]


# Interrupted ----------------------------------------------------------------------------------------------


def nested(world: World) -> Iterator[Slot]:
    """A CNode full of CNodes full of capabilities, then all of their slots."""
    outer = cnode_slot(world, radix=2)
    yield outer
    for index in range(4):
        inner = world.cnode(1)
        yield world.put(inside(world, outer, index), inner)
        for place in range(2):
            yield world.put(world.slot_of(inner, place), DomainCap())


def test_a_deletion_interrupted_everywhere(
    world: World, interruptions: Callable[[Callable[[], None]], int]
) -> None:
    outer, *slots = nested(world)
    assert interruptions(lambda: derivation.delete(outer)) >= 8
    assert is_empty(outer)
    assert all(is_empty(slot) for slot in slots[::3])


def test_a_revocation_interrupted_everywhere(
    world: World, interruptions: Callable[[Callable[[], None]], int]
) -> None:
    original, copies = endpoint_slot(world), [world.slot() for _ in range(5)]
    for copy in copies:
        insert(original.cap, original, copy)
    assert interruptions(lambda: derivation.revoke(original)) == 5
    assert all(is_empty(copy) for copy in copies)


def test_a_zombie_is_finished_by_deleting_its_slot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = cnode_slot(world)
    for index in range(4):
        world.put(inside(world, slot, index), DomainCap())

    def interrupt() -> None:
        raise Preempted()

    with monkeypatch.context() as patched, pytest.raises(Preempted):
        patched.setattr(scheduler, "preemption_point", interrupt)
        derivation.delete(slot)
    zombie = slot.cap
    assert isinstance(zombie, ZombieCap) and zombie.remaining == 4
    derivation.delete(slot)
    assert is_empty(slot)
