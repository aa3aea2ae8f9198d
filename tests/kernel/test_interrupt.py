"""Interrupts: issuing handlers, notifications, acknowledgement, and what happens when a line interrupts."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.kernel import derivation, interrupt
from pith.kernel.errors import (
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    InvalidCapability,
    RangeError,
    RevokeFirst,
    TruncatedMessage,
)
from pith.kernel.objects import (
    DomainCap,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NotificationState,
    NullCap,
    Slot,
    ThreadSlot,
)
from pith.kernel.riscv64.plic import CLAIM, ENABLE
from pith.kernel.state import IRQ_COUNT, TIMER_IRQ, interrupts, kernel
from pith.metal import replace

from .conftest import World

PLIC = 0xFFFF_FFC0_0C00_0000
GET, TRIGGER = Label.IRQ_ISSUE_IRQ_HANDLER, Label.IRQ_ISSUE_IRQ_HANDLER_TRIGGER


@pytest.fixture
def control(world: World) -> Slot:
    kernel.current = world.thread()
    kernel.plic = PLIC
    return world.slot(IRQControlCap())


def issue(world: World, control: Slot, label: Label, *words: int, root: Slot | None = None) -> None:
    assert kernel.current is not None
    root = root or kernel.current.slots[ThreadSlot.CSPACE]
    assert interrupt.invoke_control(world.call(label, *words, slot=control, caps=(root,))) == 0


def at(world: World, index: int) -> Slot:
    assert kernel.current is not None
    return world.root_slot(kernel.current, index)


@pytest.mark.parametrize(("label", "words"), [(GET, (37, 2, 64)), (TRIGGER, (37, 1, 2, 64))])
def test_issue_a_handler(world: World, control: Slot, label: Label, words: tuple[int, ...]) -> None:
    issue(world, control, label, *words)
    assert at(world, 2).cap == IRQHandlerCap(37)
    assert at(world, 2).previous is control and at(world, 2).link.revocable
    assert world.processor.devices[PLIC + ENABLE + 4] == 1 << 5
    with pytest.raises(RevokeFirst):
        issue(world, control, label, *words)


@pytest.mark.parametrize("irq", [0, IRQ_COUNT, 1 << 63])
def test_lines_that_are_none(world: World, control: Slot, irq: int) -> None:
    with pytest.raises(RangeError) as caught:
        issue(world, control, GET, irq, 2, 64)
    assert (caught.value.minimum, caught.value.maximum) == (1, IRQ_COUNT - 1)


def test_the_timer_is_the_kernels(world: World, control: Slot) -> None:
    """It has the number behind the controller's lines, which counts as taken."""
    assert TIMER_IRQ == IRQ_COUNT - 1
    for label, words in ((GET, (TIMER_IRQ, 2, 64)), (TRIGGER, (TIMER_IRQ, 0, 2, 64))):
        with pytest.raises(RevokeFirst):
            issue(world, control, label, *words)
    issue(world, control, GET, TIMER_IRQ - 1, 2, 64)


def test_issue_errors(world: World, control: Slot) -> None:
    with pytest.raises(IllegalOperation):
        issue(world, control, Label.IRQ_ACK_IRQ)
    with pytest.raises(TruncatedMessage):
        issue(world, control, GET, 1, 2)
    with pytest.raises(TruncatedMessage):
        issue(world, control, TRIGGER, 1, 0, 2)
    with pytest.raises(TruncatedMessage):
        interrupt.invoke_control(world.call(GET, 1, 2, 64))
    with pytest.raises(FailedLookup):
        issue(world, control, GET, 1, 2, 64, root=world.slot(DomainCap()))
    world.put(at(world, 2), DomainCap())
    with pytest.raises(DeleteFirst):
        issue(world, control, GET, 1, 2, 64)
    assert kernel.irq_active[1] == 0


def handler(world: World, control: Slot) -> Slot:
    """A handler of line 37 with a notification of badge 8."""
    issue(world, control, GET, 37, 2, 64)
    notification = world.slot(NotificationCap(True, True, world.make(Notification), 8))
    set_notification(world, notification)
    return notification


def set_notification(world: World, slot: Slot) -> None:
    interrupt.invoke_handler(IRQHandlerCap(37), world.call(Label.IRQ_SET_IRQ_HANDLER, caps=(slot,)))


def test_an_interrupt_signals(world: World, control: Slot) -> None:
    slot = handler(world, control)
    assert isinstance(slot.cap, NotificationCap)
    interrupt.handle(37)
    notification = slot.cap.notification
    assert (notification.state, notification.badge) == (NotificationState.ACTIVE, 8)
    assert world.processor.devices.get(PLIC + CLAIM) is None  # silent until it is acknowledged
    interrupt.invoke_handler(IRQHandlerCap(37), world.call(Label.IRQ_ACK_IRQ))
    assert world.processor.devices[PLIC + CLAIM] == 37


def test_a_second_notification_takes_over(world: World, control: Slot) -> None:
    first = handler(world, control)
    second = world.slot(NotificationCap(True, False, world.make(Notification), 1))
    set_notification(world, second)
    assert interrupts.slots[37].cap == second.cap
    assert first.link.next is None
    interrupt.invoke_handler(IRQHandlerCap(37), world.call(Label.IRQ_CLEAR_IRQ_HANDLER))
    assert interrupts.slots[37].cap == NullCap()
    interrupt.handle(37)  # nobody wants it


def test_the_same_notification_again(world: World, control: Slot) -> None:
    slot = handler(world, control)
    set_notification(world, slot)
    assert interrupts.slots[37].cap == slot.cap


def test_handler_errors(world: World, control: Slot) -> None:
    slot = handler(world, control)
    cap = slot.cap
    assert isinstance(cap, NotificationCap)
    with pytest.raises(TruncatedMessage):
        interrupt.invoke_handler(IRQHandlerCap(37), world.call(Label.IRQ_SET_IRQ_HANDLER))
    for wrong in (DomainCap(), replace(cap, can_send=False)):
        with pytest.raises(InvalidCapability) as caught:
            set_notification(world, world.slot(wrong))
        assert caught.value.argument == 0
    with pytest.raises(IllegalOperation):
        interrupt.invoke_handler(IRQHandlerCap(37), world.call(GET))


def test_a_line_that_nobody_handles_is_switched_off(world: World, control: Slot) -> None:
    world.processor.devices[PLIC + ENABLE] = 1 << 7
    interrupt.handle(7)
    assert world.processor.devices[PLIC + ENABLE] == 0
    assert world.processor.devices[PLIC + CLAIM] == 7


def test_a_handler_that_ends_switches_its_line_off(world: World, control: Slot) -> None:
    handler(world, control)
    derivation.delete(at(world, 2))
    assert world.processor.devices[PLIC + ENABLE + 4] == 0
    issue(world, control, GET, 37, 2, 64)
