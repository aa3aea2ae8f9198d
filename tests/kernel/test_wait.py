"""Wait: wait for a signal, or for a message that needs no answer."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel import notification
from pith.kernel.objects import FaultKind, Notification, NotificationState, Register, ThreadState

from .conftest import World
from .pair import EP, NTFN, Pair, signal_cap, talking


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_signal_that_is_there_is_taken_at_once(pair: Pair) -> None:
    flag = pair.world.make(Notification)
    pair.give(pair.client, NTFN, signal_cap(flag))
    notification.signal(flag, 5)
    notification.signal(flag, 8)
    assert pair.system_call(Call.WAIT, NTFN) is pair.client
    assert pair.client.registers[Register.A0] == 13 and flag.state is NotificationState.IDLE


def test_without_a_signal_the_thread_waits(pair: Pair) -> None:
    flag = pair.world.make(Notification)
    pair.give(pair.client, NTFN, signal_cap(flag))
    pair.system_call(Call.WAIT, NTFN)
    assert pair.client.state is ThreadState.BLOCKED_ON_NOTIFICATION and flag.queue.head is pair.client


def test_at_an_endpoint_it_brings_no_reply_object(pair: Pair) -> None:
    pair.system_call(Call.WAIT, EP, 1 << 40)
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and pair.client.wait_reply is None


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.WAIT, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
