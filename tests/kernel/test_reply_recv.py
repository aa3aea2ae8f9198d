"""ReplyRecv: answer the last call, and wait for the next, in one."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, ThreadState
from pith.kernel.state import kernel

from .conftest import World
from .pair import EP, REPLY, Pair, call, talking
from .running import full_endpoint_cap, heard, say


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_the_caller_is_answered_and_the_server_waits(pair: Pair) -> None:
    pair.wait(pair.server)
    call(pair, 1)
    say(pair.server, 33)
    assert pair.system_call(Call.REPLY_RECV, EP, REPLY) is pair.client
    assert heard(pair.client) == (0, 0, [33])
    assert pair.server.state is ThreadState.BLOCKED_ON_RECEIVE


def test_the_next_call_is_taken_at_once(pair: Pair) -> None:
    pair.wait(pair.server)
    call(pair, 1)
    other = pair.thread(10)
    pair.give(other, EP, full_endpoint_cap(pair.ep, badge=9))
    kernel.current = other
    say(other, 44)
    pair.system_call_only(Call.CALL, EP)
    kernel.current = pair.server
    say(pair.server, 33)
    pair.system_call_only(Call.REPLY_RECV, EP, REPLY)
    assert heard(pair.client) == (0, 0, [33]) and heard(pair.server) == (9, 0, [44])
    assert pair.object.caller is other


def test_with_nobody_to_answer_it_only_waits(pair: Pair) -> None:
    pair.system_call(Call.REPLY_RECV, EP, REPLY)
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and pair.object.caller is pair.client


def test_a_reply_capability_that_is_at_no_slot_is_a_fault_of_the_receive(pair: Pair) -> None:
    pair.system_call(Call.REPLY_RECV, EP, 1 << 40)
    assert (pair.client.state, pair.client.fault_kind) == (ThreadState.INACTIVE, FaultKind.CAPABILITY)
