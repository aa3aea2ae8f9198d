"""Yield: give the rest of the time slice away."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall as Call

from .conftest import World
from .pair import Pair, talking


@pytest.fixture
def pair(world: World) -> Pair:
    return talking(world)


def test_an_equal_has_its_turn(pair: Pair) -> None:
    pair.start(pair.server)
    assert pair.system_call(Call.YIELD) is pair.server
    pair.elapse(10)
    assert pair.system_call(Call.YIELD) is pair.client


def test_alone_the_thread_goes_on(pair: Pair) -> None:
    assert pair.system_call(Call.YIELD) is pair.client


def test_a_lower_thread_does_not_run(pair: Pair) -> None:
    pair.thread(5)
    assert pair.system_call(Call.YIELD) is pair.client


def test_time_that_is_limited_is_gone_until_its_next_refill(pair: Pair) -> None:
    limited = pair.thread(50, pair.context(1000, 5000))
    pair.make_current(limited)
    assert pair.system_call(Call.YIELD) is pair.client and limited.is_postponed
