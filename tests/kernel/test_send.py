"""Send: wait until somebody takes the message, and for no answer."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, NullCap, ThreadState

from .conftest import World
from .pair import EP, Pair, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_waiting_receiver_gets_it_and_the_sender_goes_on(pair: Pair) -> None:
    pair.wait(pair.server)
    pair.make_current(pair.client)
    pair.system_call(Call.SEND, EP)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.client.state is ThreadState.RUNNING and pair.object.caller is None


def test_with_nobody_waiting_the_sender_waits(pair: Pair) -> None:
    pair.system_call(Call.SEND, EP)
    assert pair.client.state is ThreadState.BLOCKED_ON_SEND and not pair.client.wait_is_call
    assert pair.ep.queue.head is pair.client


def test_through_nothing_it_is_lost(pair: Pair) -> None:
    pair.give(pair.client, EP, NullCap())
    assert pair.system_call(Call.SEND, EP) is pair.client
    assert heard(pair.client)[2] == [11, 22]  # no error message came over it


def test_without_the_right_it_is_lost(pair: Pair) -> None:
    pair.rights(pair.client, can_send=False)
    assert pair.system_call(Call.SEND, EP) is pair.client
    assert pair.ep.queue.head is None


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.SEND, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
