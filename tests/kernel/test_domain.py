"""Domains: putting threads into them, and the schedule."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.kernel import domain
from pith.kernel.errors import IllegalOperation, InvalidArgument, RangeError, TruncatedMessage
from pith.kernel.objects import DomainCap, ThreadCap
from pith.kernel.state import DOMAIN_SCHEDULE_LENGTH, kernel

from .conftest import World

CONFIGURE, SET_START = Label.DOMAIN_SCHEDULE_CONFIGURE, Label.DOMAIN_SCHEDULE_SET_START


@pytest.fixture(autouse=True)
def domains(world: World) -> None:
    kernel.domain_count = 4
    kernel.domain_schedule[0].duration = 1000


def test_a_thread_changes_its_domain(world: World) -> None:
    thread = world.thread()
    call = world.call(Label.DOMAIN_SET, 3, caps=(world.slot(ThreadCap(thread)),))
    assert domain.invoke(call) == 0
    assert thread.domain == 3


def test_set_errors(world: World) -> None:
    slot = world.slot(ThreadCap(world.thread()))
    with pytest.raises(IllegalOperation):
        domain.invoke(world.call(Label.TCB_SUSPEND))
    for call in (world.call(Label.DOMAIN_SET, caps=(slot,)), world.call(Label.DOMAIN_SET, 1)):
        with pytest.raises(TruncatedMessage):
            domain.invoke(call)
    with pytest.raises(InvalidArgument) as caught:
        domain.invoke(world.call(Label.DOMAIN_SET, 4, caps=(slot,)))
    assert caught.value.argument == 0
    with pytest.raises(InvalidArgument) as caught:
        domain.invoke(world.call(Label.DOMAIN_SET, 1, caps=(world.slot(DomainCap()),)))
    assert caught.value.argument == 1


def test_configure_and_start(world: World) -> None:
    domain.invoke(world.call(CONFIGURE, 1, 2, 500))
    assert kernel.current_domain == 0
    domain.invoke(world.call(SET_START, 1))
    assert (kernel.domain_start, kernel.domain_index) == (1, 1)
    assert (kernel.current_domain, kernel.domain_end) == (2, kernel.now + 500)


def test_an_end_marker(world: World) -> None:
    domain.invoke(world.call(CONFIGURE, 1, 2, 500))
    domain.invoke(world.call(CONFIGURE, 1, 0, 0))
    with pytest.raises(InvalidArgument) as caught:
        domain.invoke(world.call(SET_START, 1))
    assert caught.value.argument == 0


@pytest.mark.parametrize(("index", "which", "duration"), [(1, 2, 0), (0, 0, 0), (1, 1, 1 << 56)])
def test_entries_that_cannot_be(world: World, index: int, which: int, duration: int) -> None:
    with pytest.raises(InvalidArgument):
        domain.invoke(world.call(CONFIGURE, index, which, duration))


def test_out_of_range(world: World) -> None:
    for call in (
        world.call(CONFIGURE, DOMAIN_SCHEDULE_LENGTH, 0, 1),
        world.call(SET_START, DOMAIN_SCHEDULE_LENGTH),
    ):
        with pytest.raises(RangeError) as caught:
            domain.invoke(call)
        assert caught.value.maximum == DOMAIN_SCHEDULE_LENGTH - 1
    with pytest.raises(RangeError) as caught:
        domain.invoke(world.call(CONFIGURE, 0, 4, 1))
    assert (caught.value.minimum, caught.value.maximum) == (0, 3)


def test_truncated(world: World) -> None:
    for call in (world.call(CONFIGURE, 0, 1), world.call(SET_START)):
        with pytest.raises(TruncatedMessage):
            domain.invoke(call)
