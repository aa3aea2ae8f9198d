"""Notifications: signals gathered and waited for, alone or at an endpoint."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, notification, scheduler
from pith.kernel import thread as threads
from pith.kernel.objects import Notification, NotificationState, Register, ThreadState
from pith.kernel.state import kernel

from .conftest import World
from .pair import EP, NTFN, REPLY, Pair, signal_cap
from .running import heard, say


@pytest.fixture
def pair(world: World) -> Pair:
    return Pair(world)


@pytest.fixture
def flag(pair: Pair) -> Notification:
    target = pair.world.make(Notification)
    pair.give(pair.client, NTFN, signal_cap(target, 0b01))
    pair.give(pair.server, NTFN, signal_cap(target, 0b10))
    return target


def test_signals_gather_and_are_collected(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client)
    pair.make_current(pair.client)
    pair.system_call(Call.SEND, NTFN)
    notification.signal(flag, 0b100)
    assert flag.state is NotificationState.ACTIVE and flag.badge == 0b101
    pair.system_call(Call.WAIT, NTFN)
    assert pair.client.registers[Register.A0] == 0b101
    assert flag.state is NotificationState.IDLE
    pair.system_call(Call.NB_WAIT, NTFN)
    assert pair.client.registers[Register.A0] == 0


def test_a_call_through_a_notification_is_answered_by_nothing(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client)
    pair.make_current(pair.client)
    say(pair.client, 1, 2, label=9)
    pair.system_call(Call.CALL, NTFN)
    assert heard(pair.client) == (0, 0, [])


def test_a_signal_wakes_the_first_who_waits(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client, pair.server)
    pair.make_current(pair.server)
    pair.system_call_only(Call.WAIT, NTFN)
    assert flag.state is NotificationState.WAITING
    notification.signal(flag, 8)
    assert pair.server.registers[Register.A0] == 8
    assert pair.server.state is ThreadState.RUNNING
    assert flag.state is NotificationState.IDLE


def test_one_of_two_waiters_leaves(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client, pair.server)
    for thread in (pair.client, pair.server):
        kernel.current = thread
        scheduler.dequeue(thread)
        pair.system_call_only(Call.WAIT, NTFN)
    threads.suspend(pair.client)
    assert flag.state is NotificationState.WAITING and flag.queue.head is pair.server
    threads.suspend(pair.server)
    assert flag.state is NotificationState.IDLE and flag.queue.head is None


def test_a_bound_thread_gets_signals_at_its_endpoint(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client, pair.server)
    notification.bind(flag, pair.server)
    pair.wait(pair.server)
    notification.signal(flag, 8)
    assert pair.server.state is ThreadState.RUNNING and pair.server.registers[Register.A0] == 8
    assert pair.ep.queue.head is None and pair.object.caller is None
    notification.signal(flag, 16)
    pair.wait(pair.server)
    assert pair.server.registers[Register.A0] == 16
    assert pair.server.state is ThreadState.RUNNING


def test_only_the_bound_thread_may_wait(pair: Pair, flag: Notification) -> None:
    pair.start(pair.client)
    notification.bind(flag, pair.server)
    pair.make_current(pair.client)
    pair.system_call_only(Call.WAIT, NTFN)
    assert pair.client.state is ThreadState.INACTIVE  # a capability fault, and no handler
    notification.unbind(flag)
    assert pair.server.bound_notification is None


def test_a_notification_lends_its_time_and_gets_it_back(pair: Pair, flag: Notification) -> None:
    context = pair.context()
    binding.bind_notification(context, flag)
    kernel.current = pair.server
    pair.system_call_only(Call.WAIT, NTFN)
    notification.signal(flag, 1)
    assert pair.server.context is context
    assert pair.run() is pair.server
    pair.system_call_only(Call.WAIT, NTFN)
    assert pair.server.context is None and context.thread is None


def test_a_bound_passive_thread_gives_time_back_at_an_endpoint(pair: Pair, flag: Notification) -> None:
    context = pair.context()
    binding.bind_notification(context, flag)
    notification.bind(flag, pair.server)
    pair.wait(pair.server)
    notification.signal(flag, 1)
    assert pair.run() is pair.server
    pair.system_call_only(Call.RECV, EP, REPLY)
    assert pair.server.context is None


def test_the_end_of_a_notification_makes_waiters_try_again(pair: Pair, flag: Notification) -> None:
    pair.start(pair.server)
    kernel.current = pair.server
    pair.system_call_only(Call.WAIT, NTFN)
    notification.cancel_all(flag)
    assert pair.server.state is ThreadState.RESTART
    assert pair.run() is pair.server
