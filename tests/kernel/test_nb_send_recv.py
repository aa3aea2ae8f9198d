"""NBSendRecv: send by one capability (t0) if somebody waits, and wait at another with a reply object."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import ThreadState

from .conftest import World
from .pair import EP, OTHER, REPLY, Pair, talking
from .running import full_endpoint_cap, heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_it_sends_by_one_capability_and_waits_at_another(pair: Pair) -> None:
    pair.start(pair.server)
    pair.wait(pair.server)
    place = pair.endpoint()
    pair.give(pair.client, OTHER, full_endpoint_cap(place))
    pair.make_current(pair.client)
    pair.system_call(Call.NB_SEND_RECV, OTHER, REPLY, EP)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and place.queue.head is pair.client


def test_a_passive_receiver_gets_the_sender_s_time(pair: Pair) -> None:
    pair.wait(pair.server)
    context = pair.client.context
    pair.make_current(pair.client)
    pair.system_call(Call.NB_SEND_RECV, EP, REPLY, EP)
    assert pair.server.context is context and pair.client.context is None


def test_with_nobody_waiting_the_message_is_lost_and_the_sender_waits(pair: Pair) -> None:
    pair.system_call(Call.NB_SEND_RECV, EP, REPLY, EP)
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and pair.client.wait_reply == pair.object
