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
from pith.kernel import blocking, budget, cspace, endpoint, fault_message, interrupt, scheduler
from pith.kernel import thread as threads_of
from pith.kernel.errors import Preempted
from pith.kernel.objects import (
    Endpoint,
    EndpointCap,
    FaultKind,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NotificationState,
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
from pith.metal import MASK64, Struct, replace
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


def sender(system: Interrupted, place: Endpoint, badge: int, priority: int = 50) -> Thread:
    """A thread that waits to send with this badge."""
    thread = system.passive(priority)
    thread.wait_badge = badge
    blocking.wait_at_endpoint(thread, place, ThreadState.BLOCKED_ON_SEND)
    return thread


def badged(system: Interrupted, place: Endpoint, badge: int, at: int) -> None:
    """A capability with this badge in the caller's slot `at`."""
    original = system.owned[place.address]
    slot = system.world.root_slot(system.caller, at)
    cspace.insert(replace(original.cap, badge=badge), original, slot)


def test_a_cancellation_goes_on_where_it_stopped(system: Interrupted) -> None:
    place = system.endpoint()
    badged(system, place, 1, SUBJECT)
    threads = [sender(system, place, number % 2) for number in range(2 * WAITERS)]
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    for _ in range(3):
        system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
        assert system.caller.state is ThreadState.RESTART
    assert kernel.cancel_next is threads[3]
    blocking.cancel(threads[3])  # it leaves: the next is looked at next
    assert kernel.cancel_next is threads[4]
    assert system.steps(Label.CNODE_CANCEL_BADGED_SENDS) == 2 * WAITERS - 4
    expected = [ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART] * WAITERS
    expected[3] = ThreadState.INACTIVE
    assert states(threads) == expected
    assert kernel.cancel_endpoint is None and kernel.cancel_owner is None


def test_who_comes_while_senders_are_cancelled_is_not_meant(system: Interrupted) -> None:
    """Else a client that sends again and again could keep the cancellation from ending."""
    place = system.endpoint()
    badged(system, place, 1, SUBJECT)
    threads = [sender(system, place, 1) for _ in range(3)]
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
    kernel.now += 1
    late = [sender(system, place, 1, priority) for priority in (60, 40)]  # before and behind where it stands
    system.steps(Label.CNODE_CANCEL_BADGED_SENDS)
    assert states(threads) == [ThreadState.RESTART] * 3
    assert states(late) == [ThreadState.BLOCKED_ON_SEND] * 2


def test_a_sender_whose_priority_changes_is_cancelled_at_once(system: Interrupted) -> None:
    """Else its new place could lie before where the cancellation stands, or hold it up."""
    place = system.endpoint()
    badged(system, place, 1, SUBJECT)
    other, meant = sender(system, place, 2), sender(system, place, 1, 40)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
    assert kernel.cancel_next is meant
    threads_of.set_priority(other, 30)
    threads_of.set_priority(meant, 60)
    assert states([other, meant]) == [ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART]
    assert (other.priority, meant.priority) == (30, 60)
    require_all()
    system.steps(Label.CNODE_CANCEL_BADGED_SENDS)
    assert states([other, meant]) == [ThreadState.BLOCKED_ON_SEND, ThreadState.RESTART]


def test_who_finds_a_cancellation_under_way_ends_it_first(system: Interrupted) -> None:
    """And the system call that began it is done then: however two interrupt one another, each ends."""
    places = [system.endpoint(), system.endpoint()]
    for number, place in enumerate(places):
        badged(system, place, 1, SUBJECT + number)
    meant = [sender(system, place, 1, 40) for place in places for _ in range(3)]
    first, second = system.caller, system.passive(70)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
    assert first.state is ThreadState.RESTART and kernel.cancel_owner is first
    behind = first.registers[Register.FAULT_PC] + 4
    kernel.current = second
    stops = 0
    while not cancels(places[1]):
        stops += 1
    assert stops == 5
    assert states(meant) == [ThreadState.RESTART] * 6
    assert first.state is ThreadState.RUNNING and first.registers[Register.NEXT_PC] == behind
    assert first.registers[Register.A1] == 0  # no error
    assert kernel.cancel_endpoint is None


def cancels(place: Endpoint) -> bool:
    """Let the current thread cancel the sends of badge 1; whether it came to the end."""
    try:
        endpoint.cancel_badged_sends(place, 1)
    except Preempted:
        return False
    return True


@pytest.mark.parametrize("what", ["suspend", "write", "fault", "phases"])
def test_who_does_something_else_by_now_makes_its_call_anew(system: Interrupted, what: str) -> None:
    place = system.endpoint()
    badged(system, place, 1, SUBJECT)
    meant = [sender(system, place, 1, 40) for _ in range(2)]
    first, second = system.caller, system.passive(70)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    system.invoke(Label.CNODE_CANCEL_BADGED_SENDS, SUBJECT, 64, on=ROOT)
    state, pc = first.state, first.registers[Register.NEXT_PC]
    match what:
        case "suspend":
            threads_of.suspend(first)
            state = ThreadState.INACTIVE
        case "write":
            scheduler.disown_cancellation(first)
        case "fault":
            fault_message.set_fault(first, FaultKind.VM)
            first.fault_kind = FaultKind.NONE
        case _:
            first.registers[Register.A7] = SystemCall.NB_SEND_RECV & MASK64
    kernel.current = second
    while not cancels(system.endpoint()):
        pass
    assert states(meant) == [ThreadState.RESTART] * 2
    assert first.state is state and first.registers[Register.NEXT_PC] == pc
    kernel.current = first


def test_an_interrupt_waits_for_the_notification_that_follows(system: Interrupted) -> None:
    """The line interrupts while SetNotification sends away those who wait at the notification that was before."""
    old = system.last(system.world.make(Notification))
    cspace.move(system.subject.cap, system.subject, interrupts.slots[LINE])
    system.world.put(system.subject, IRQHandlerCap(LINE))
    kernel.irq_active[LINE] = 1
    system.waiters(lambda thread: blocking.wait_at_notification(thread, old))
    new = system.world.make(Notification)
    system.world.processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    for stops in range(50):
        system.invoke(Label.IRQ_SET_IRQ_HANDLER, on=SUBJECT, caps=(NotificationCap(True, True, new, 7),))
        if system.caller.state is ThreadState.RUNNING:
            break
        if stops == 1:
            interrupt.handle(LINE)
    assert stops == WAITERS
    assert new.state is NotificationState.ACTIVE and new.badge == 7 and kernel.irq_active[LINE] == 1


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
