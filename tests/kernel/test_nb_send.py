"""NBSend: send if somebody waits for it, and go on."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import FaultKind, ThreadState

from .conftest import World
from .pair import EP, Pair, talking
from .running import heard


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_a_waiting_receiver_gets_it(pair: Pair) -> None:
    pair.wait(pair.server)
    pair.make_current(pair.client)
    pair.system_call(Call.NB_SEND, EP)
    assert heard(pair.server) == (7, 0, [11, 22])
    assert pair.client.state is ThreadState.RUNNING


def test_with_nobody_waiting_it_is_lost(pair: Pair) -> None:
    assert pair.system_call(Call.NB_SEND, EP) is pair.client
    assert pair.ep.queue.head is None


def test_at_no_slot_it_is_lost(pair: Pair) -> None:
    assert pair.system_call(Call.NB_SEND, 1 << 40) is pair.client
    assert pair.client.fault_kind is FaultKind.NONE
