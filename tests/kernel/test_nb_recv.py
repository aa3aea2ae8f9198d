"""NBRecv: take a message if one is there, and go on."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, Register, ThreadState

from .conftest import World
from .pair import EP, REPLY, Pair, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_waiting_sender_s_message_comes(pair: Pair) -> None:
    pair.system_call_only(Call.SEND, EP)
    pair.wait(pair.server, Call.NB_RECV)
    assert heard(pair.server) == (7, 0, [11, 22])


def test_a_waiting_caller_is_taken_into_the_reply_object(pair: Pair) -> None:
    pair.system_call_only(Call.CALL, EP)
    pair.wait(pair.server, Call.NB_RECV)
    assert pair.client.state is ThreadState.BLOCKED_ON_REPLY and pair.object.caller is pair.client


def test_with_nobody_sending_the_badge_is_0(pair: Pair) -> None:
    assert pair.system_call(Call.NB_RECV, EP, REPLY) is pair.client
    assert pair.client.registers[Register.A0] == 0
    assert pair.client.state is ThreadState.RUNNING and pair.object.caller is None


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.NB_RECV, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
