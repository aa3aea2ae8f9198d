"""NBSendRecv: send by one capability (t0) if somebody waits, and wait at another with a reply object."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import DomainCap, ThreadCap, ThreadState
from pith.kernel.state import kernel

from .conftest import World
from .pair import EP, OTHER, REPLY, Pair, talking
from .running import full_endpoint_cap, heard, say


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


def test_who_sets_its_own_domain_and_then_waits_competes_no_more(pair: Pair) -> None:
    """The invocation comes first; the wait must find the thread in no ready queue."""
    kernel.domain_count = 2
    pair.give(pair.client, OTHER, DomainCap())
    thread = pair.give(pair.client, OTHER + 1, ThreadCap(pair.client))
    say(pair.client, 0, label=int(Label.DOMAIN_SET), caps=1)
    pair.world.buffer(pair.client).caps_or_badges[0] = thread
    assert pair.system_call(Call.NB_SEND_RECV, EP, REPLY, OTHER) is not pair.client
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and not pair.client.is_ready
