"""NBSendWait: send by one capability (a6) if somebody waits, and wait at another for what needs no answer."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import Notification, ThreadState

from .conftest import World
from .pair import EP, NTFN, Pair, signal_cap, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_it_sends_by_one_capability_and_waits_at_another(pair: Pair) -> None:
    pair.start(pair.server)
    pair.wait(pair.server)
    flag = pair.world.make(Notification)
    pair.give(pair.client, NTFN, signal_cap(flag))
    pair.make_current(pair.client)
    pair.system_call(Call.NB_SEND_WAIT, NTFN, EP)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.client.state is ThreadState.BLOCKED_ON_NOTIFICATION and flag.queue.head is pair.client


def test_with_nobody_waiting_the_message_is_lost_and_the_sender_waits(pair: Pair) -> None:
    pair.system_call(Call.NB_SEND_WAIT, EP, EP)
    assert pair.client.state is ThreadState.BLOCKED_ON_RECEIVE and pair.client.wait_reply is None
