"""Long operations while an interrupt waits all the time: each stops after every step, goes on when it is called again, and ends.

What a higher priority sees in between is the operation half done, and consistent: the invariants are checked at every stop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.kernel import blocking, cspace
from pith.kernel.objects import (
    EndpointCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    Thread,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.riscv64.csr import SUPERVISOR_EXTERNAL
from pith.kernel.state import interrupts, kernel
from pith.metal import Struct
from pith.verify.check import require_all

from .conftest import World
from .invoking import FIRST, OK, Invoking

S = TypeVar("S", bound=Struct)
ROOT, SUBJECT, WAITERS, LINE = 3, 20, 5, 5


class Interrupted(Invoking):
    """The caller's own CNode is at ROOT, what is to end at SUBJECT."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        own = self.caller.slots[ThreadSlot.CSPACE]
        cspace.insert(own.cap, own, world.root_slot(self.caller, ROOT))
        self.subject = world.root_slot(self.caller, SUBJECT)

    def last(self, made: S) -> S:
        """Move the only capability to a new object to SUBJECT."""
        slot = self.owned[made.address]
        cspace.move(slot.cap, slot, self.subject)
        return made

    def waiters(self, wait: Callable[[Thread], None]) -> list[Thread]:
        """Threads that share the caller's CSpace, of rising priority."""
        threads = [self.passive(50 + number) for number in range(WAITERS)]
        for thread in threads:
            wait(thread)
        return threads

    def steps(self, label: Label, on: int = ROOT) -> int:
        """Make the call until it is done, interrupted at every point; how often that was."""
        self.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
        for stops in range(1000):
            answer = self.invoke(label, SUBJECT, 64, on=on)
            if self.caller.state is ThreadState.RUNNING:
                assert answer == OK
                return stops
            require_all(f"at stop {stops}")
        raise AssertionError("it does not end")


@pytest.fixture
def system(world: World) -> Interrupted:
    return Interrupted(world)


def states(threads: list[Thread]) -> list[ThreadState]:
    return [thread.state for thread in threads]


def test_an_endpoint_ends_waiter_by_waiter_and_is_of_no_use_meanwhile(system: Interrupted) -> None:
    place = system.last(system.endpoint())
    threads = system.waiters(lambda t: blocking.wait_at_endpoint(t, place, ThreadState.BLOCKED_ON_RECEIVE))
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_DELETE, SUBJECT, 64, on=ROOT)
    assert system.caller.state is ThreadState.RESTART
    assert states(threads) == [ThreadState.BLOCKED_ON_RECEIVE] * (WAITERS - 1) + [ThreadState.RESTART]
    assert system.subject.cap == EndpointCap(False, False, False, False, place, 0)
    assert system.invoke(Label.CNODE_DELETE, on=SUBJECT)[0] == ErrorCode.INVALID_CAPABILITY
    assert system.steps(Label.CNODE_DELETE) == WAITERS - 1
    assert states(threads) == [ThreadState.RESTART] * WAITERS
    assert system.subject.cap == NullCap()


def test_a_notification_ends_waiter_by_waiter(system: Interrupted) -> None:
    flag = system.last(system.world.make(Notification))
    threads = system.waiters(lambda thread: blocking.wait_at_notification(thread, flag))
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_DELETE, SUBJECT, 64, on=ROOT)
    assert system.subject.cap == NotificationCap(False, False, flag, 0)
    assert system.steps(Label.CNODE_DELETE) == WAITERS - 1
    assert states(threads) == [ThreadState.RESTART] * WAITERS
    assert system.subject.cap == NullCap()


@pytest.mark.parametrize("label", [Label.IRQ_CLEAR_IRQ_HANDLER, Label.CNODE_DELETE])
def test_so_does_one_that_only_an_interrupt_names(system: Interrupted, label: Label) -> None:
    flag = system.last(system.world.make(Notification))
    cspace.move(system.subject.cap, system.subject, interrupts.slots[LINE])
    system.world.put(system.subject, IRQHandlerCap(LINE))
    kernel.irq_active[LINE] = 1
    threads = system.waiters(lambda thread: blocking.wait_at_notification(thread, flag))
    if label is Label.CNODE_DELETE:
        assert system.steps(label) == WAITERS
        assert system.subject.cap == NullCap() and not kernel.irq_active[LINE]
    else:
        assert system.steps(label, on=SUBJECT) == WAITERS
        assert kernel.irq_active[LINE]
    assert states(threads) == [ThreadState.RESTART] * WAITERS
    assert interrupts.slots[LINE].cap == NullCap()


def test_a_revocation_stops_after_every_capability(system: Interrupted) -> None:
    original = system.owned[system.endpoint().address]
    for number in range(WAITERS):
        cspace.insert(original.cap, original, system.world.root_slot(system.caller, FIRST + number))
    cspace.move(original.cap, original, system.subject)
    assert system.steps(Label.CNODE_REVOKE) == WAITERS
