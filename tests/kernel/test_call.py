"""Call: send, and wait for the answer."""

from __future__ import annotations

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, NullCap, ThreadState

from .conftest import World
from .pair import EP, Pair, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_waiting_server_gets_it_and_the_caller_waits_for_the_answer(pair: Pair) -> None:
    pair.wait(pair.server)
    pair.make_current(pair.client)
    pair.system_call(Call.CALL, EP)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.client.state is ThreadState.BLOCKED_ON_REPLY and pair.object.caller is pair.client


def test_with_nobody_waiting_the_caller_waits_to_send(pair: Pair) -> None:
    pair.system_call(Call.CALL, EP)
    assert pair.client.state is ThreadState.BLOCKED_ON_SEND and pair.client.wait_is_call


def test_through_nothing_it_is_an_error(pair: Pair) -> None:
    pair.give(pair.client, EP, NullCap())
    assert pair.system_call(Call.CALL, EP) is pair.client
    assert heard(pair.client) == (0, ErrorCode.INVALID_CAPABILITY, [0])


def test_at_no_slot_it_is_a_fault(pair: Pair) -> None:
    pair.system_call(Call.CALL, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
