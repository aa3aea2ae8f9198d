"""Recv: wait for a message, and bring a reply object for its answer."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, Notification, NullCap, ThreadState

from .conftest import World
from .pair import EP, NTFN, REPLY, Pair, signal_cap, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_waiting_sender_s_message_comes_at_once(pair: Pair) -> None:
    pair.system_call_only(Call.SEND, EP)
    pair.wait(pair.server)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.server.state is ThreadState.RUNNING and pair.client.state is not ThreadState.BLOCKED_ON_SEND


def test_with_nobody_sending_the_receiver_waits_with_its_reply_object(pair: Pair) -> None:
    pair.system_call(Call.RECV, EP, REPLY)
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE
    assert pair.client.wait_reply == pair.object and pair.object.caller is pair.client


def test_a_notification_needs_no_reply_object(pair: Pair) -> None:
    pair.give(pair.client, NTFN, signal_cap(pair.world.make(Notification)))
    pair.system_call(Call.RECV, NTFN, 1 << 40)
    assert pair.client.state is ThreadState.BLOCKED_ON_NOTIFICATION


def test_without_a_reply_object_it_is_a_fault(pair: Pair) -> None:
    pair.give(pair.client, REPLY, NullCap())
    pair.system_call(Call.RECV, EP, REPLY)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)


def test_without_the_right_it_is_a_fault(pair: Pair) -> None:
    pair.rights(pair.client, can_receive=False)
    pair.system_call(Call.RECV, EP, REPLY)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.RECV, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
