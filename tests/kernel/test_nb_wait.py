"""NBWait: take a signal, or a message, if one is there: poll."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel import notification
from pith.kernel.objects import FaultKind, Notification, Register, ThreadState

from .conftest import World
from .pair import EP, NTFN, Pair, signal_cap, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


@pytest.mark.parametrize("badge", [0, 6])
def test_it_takes_what_was_signalled(pair: Pair, badge: int) -> None:
    flag = pair.world.make(Notification)
    pair.give(pair.client, NTFN, signal_cap(flag))
    if badge:
        notification.signal(flag, badge)
    assert pair.system_call(Call.NB_WAIT, NTFN) is pair.client
    assert pair.client.registers[Register.A0] == badge
    assert pair.client.state is ThreadState.RUNNING and flag.queue.head is None


def test_it_takes_a_waiting_message(pair: Pair) -> None:
    pair.system_call_only(Call.SEND, EP)
    pair.wait(pair.server, Call.NB_WAIT)
    assert heard(pair.server) == (7, 0, [11, 22])


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.NB_WAIT, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
