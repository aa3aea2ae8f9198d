"""Long operations while an interrupt waits all the time: each stops after every step, goes on when it is called again, and ends.

What a higher priority sees in between is the operation half done, and consistent: the invariants are checked at every stop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.abi.syscalls import SystemCall
from pith.kernel import blocking, budget, cspace
from pith.kernel import thread as threads_of
from pith.kernel.objects import (
    EndpointCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    Register,
    Thread,
    ThreadSlot,
    ThreadState,
    UntypedCap,
)
from pith.kernel.riscv64 import timer
from pith.kernel.riscv64.csr import SUPERVISOR_EXTERNAL
from pith.kernel.state import interrupts, kernel
from pith.metal import Struct, replace
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

    def again(self, on: int) -> None:
        """The caller makes the same call once more."""
        kernel.current = self.caller
        self.system_call_only(SystemCall.CALL, on)

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


def test_a_cancellation_goes_on_where_it_stopped(system: Interrupted) -> None:
    place = system.endpoint()
    original = system.owned[place.address]
    cspace.insert(replace(original.cap, badge=1), original, system.subject)
    threads = [system.passive(50) for _ in range(2 * WAITERS)]
    for number, thread in enumerate(threads):
        thread.wait_badge = number % 2
        blocking.wait_at_endpoint(thread, place, ThreadState.BLOCKED_ON_SEND)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    for _ in range(3):
        system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
        assert system.caller.state is ThreadState.RESTART
    assert kernel.cancel_next is threads[3]
    blocking.cancel(threads[3])  # it leaves: the next is looked at next
    assert kernel.cancel_next is threads[4]
    late = system.passive(60)
    late.wait_badge = 1
    blocking.wait_at_endpoint(late, place, ThreadState.BLOCKED_ON_SEND)  # before all that were looked at
    assert kernel.cancel_endpoint is None
    assert system.steps(Label.CNODE_CANCEL_BADGED_SENDS) == 2 * WAITERS - 1
    assert late.state is ThreadState.RESTART
    expected = [ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART] * WAITERS
    expected[3] = ThreadState.INACTIVE
    assert states(threads) == expected


def test_a_cancellation_begins_anew_for_a_sender_whose_priority_changes(system: Interrupted) -> None:
    place = system.endpoint()
    original = system.owned[place.address]
    cspace.insert(replace(original.cap, badge=1), original, system.subject)
    first, last = system.passive(50), system.passive(40)
    for thread in (first, last):
        thread.wait_badge = 1 if thread is last else 2
        blocking.wait_at_endpoint(thread, place, ThreadState.BLOCKED_ON_SEND)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
    assert kernel.cancel_next is last
    threads_of.set_priority(last, 60)
    assert kernel.cancel_endpoint is None and place.queue.head is last


def retype(system: Interrupted, count: int, first: int = FIRST) -> tuple[int, list[int]]:
    root = system.caller.slots[ThreadSlot.CSPACE].cap
    return system.invoke(
        Label.UNTYPED_RETYPE, ObjectType.ENDPOINT, 0, 0, 0, first, count, caps=(root,), on=SUBJECT
    )


def test_objects_are_made_one_by_one(system: Interrupted) -> None:
    system.world.put(system.subject, system.world.untyped(12).cap)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    retype(system, WAITERS, first=FIRST + 1)
    registers = system.caller.registers
    for made in range(1, WAITERS):
        assert system.caller.state is ThreadState.RESTART
        assert registers[Register.A2] == made << 32 | ObjectType.ENDPOINT
        cap = system.subject.cap
        assert isinstance(cap, UntypedCap) and cap.watermark == 16 * made
        system.again(SUBJECT)
    assert system.caller.state is ThreadState.RUNNING
    slots = [system.world.root_slot(system.caller, FIRST + 1 + number).cap for number in range(WAITERS)]
    assert len({cap.bits for cap in slots}) == WAITERS and all(isinstance(cap, EndpointCap) for cap in slots)


@pytest.mark.parametrize("made", [1, 2, 256, 1 << 31])
def test_no_call_has_made_more_objects_than_it_asks_for(system: Interrupted, made: int) -> None:
    system.world.put(system.subject, system.world.untyped(12).cap)
    root = system.caller.slots[ThreadSlot.CSPACE].cap
    word = made << 32 | ObjectType.ENDPOINT
    answer = system.invoke(Label.UNTYPED_RETYPE, word, 0, 0, 0, FIRST + 1, 1, caps=(root,), on=SUBJECT)
    assert answer == (ErrorCode.INVALID_ARGUMENT, [0])


def test_refills_that_come_together_wake_thread_by_thread_while_a_device_interrupts(
    system: Interrupted,
) -> None:
    threads = []
    for _ in range(WAITERS):
        context = system.context(100, 1000)
        budget.charge(context, timer.to_ticks(100))
        threads.append(system.thread(10, context))
    assert all(thread.is_postponed for thread in threads)
    system.elapse(2000)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    for entries in range(1, WAITERS + 1):
        system.run()
        assert sum(not thread.is_postponed for thread in threads) == entries
        assert entries == WAITERS or system.deadline <= 0  # the timer interrupts at once
