"""Domains: putting threads into them, and the schedule."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.kernel import budget, domain
from pith.kernel import thread as threads
from pith.kernel.errors import IllegalOperation, InvalidArgument, RangeError, TruncatedMessage
from pith.kernel.objects import DomainCap, ThreadCap
from pith.kernel.state import DOMAIN_SCHEDULE_LENGTH, kernel

from .conftest import World
from .running import HZ, SLICE, Running

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


@pytest.mark.parametrize(
    ("index", "which", "duration", "argument"), [(1, 2, 0, 1), (0, 2, 0, 1), (0, 0, 0, 2), (1, 1, 1 << 56, 2)]
)
def test_entries_that_cannot_be(world: World, index: int, which: int, duration: int, argument: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        domain.invoke(world.call(CONFIGURE, index, which, duration))
    assert caught.value.argument == argument


@pytest.mark.parametrize("index", [99, 100, (1 << 64) - 1])
def test_the_last_entry_stays_an_end_marker(world: World, index: int) -> None:
    assert DOMAIN_SCHEDULE_LENGTH == 100
    for call in (world.call(CONFIGURE, index, 0, 1), world.call(SET_START, index)):
        with pytest.raises(RangeError) as caught:
            domain.invoke(call)
        assert (caught.value.minimum, caught.value.maximum) == (0, 98)
    domain.invoke(world.call(CONFIGURE, 98, 0, 1))
    domain.invoke(world.call(SET_START, 98))
    assert kernel.domain_index == 98


def test_domains_out_of_range(world: World) -> None:
    with pytest.raises(RangeError) as caught:
        domain.invoke(world.call(CONFIGURE, 0, 4, 1))
    assert (caught.value.minimum, caught.value.maximum) == (0, 3)


def test_truncated(world: World) -> None:
    for call in (world.call(CONFIGURE, 0, 1), world.call(SET_START)):
        with pytest.raises(TruncatedMessage):
            domain.invoke(call)


# The schedule as it runs -------------------------------------------------------------------------------------

TICKS = HZ // 1_000_000  # in a microsecond


@pytest.fixture
def scheduled(world: World) -> Running:
    """A schedule of 100 µs for each of two domains, and a thread in each; the first begins."""
    system = Running(world)
    for index in (0, 1):
        domain.invoke(world.call(CONFIGURE, index, index, 100 * TICKS))
        threads.set_domain(system.thread(10), index)
    domain.invoke(world.call(SET_START, 0))
    assert running_domain(system) == 0
    return system


def running_domain(system: Running) -> int:
    return system.run().domain


def test_behind_the_last_entry_comes_the_start(scheduled: Running) -> None:
    domain.invoke(scheduled.world.call(SET_START, 1))
    seen = []
    for _ in range(3):
        seen.append(running_domain(scheduled))
        scheduled.elapse(100)
    assert seen == [1, 1, 1]  # the entry before the start is no part of this schedule


def test_a_schedule_may_have_all_entries_but_the_last(scheduled: Running) -> None:
    for index in range(DOMAIN_SCHEDULE_LENGTH - 1):
        domain.invoke(scheduled.world.call(CONFIGURE, index, index % 2, 100 * TICKS))
    domain.invoke(scheduled.world.call(SET_START, 0))
    for index in [*range(DOMAIN_SCHEDULE_LENGTH - 1), 0, 1]:
        assert (kernel.domain_index, running_domain(scheduled)) == (index, index % 2)
        scheduled.elapse(100)
        scheduled.run()


@pytest.mark.parametrize("duration", [1, 8, 199])
def test_an_entry_lasts_as_long_as_the_smallest_budget_at_least(scheduled: Running, duration: int) -> None:
    """With less, each entry of the kernel would find the next domain's time over, and no thread would ever run."""
    for index in (0, 1):
        domain.invoke(scheduled.world.call(CONFIGURE, index, index, duration))
    domain.invoke(scheduled.world.call(SET_START, 0))
    for turn in range(4):
        assert running_domain(scheduled) == turn % 2
        scheduled.elapse(19)
        assert running_domain(scheduled) == turn % 2
        scheduled.elapse(1)


@pytest.mark.parametrize("duration", [1, 8, 1000])
def test_one_domain_s_time_never_ends(scheduled: Running, duration: int) -> None:
    kernel.domain_count = 1
    domain.invoke(scheduled.world.call(CONFIGURE, 0, 0, duration))
    domain.invoke(scheduled.world.call(SET_START, 0))
    thread = scheduled.run()
    assert thread.domain == 0
    assert scheduled.deadline == SLICE  # its own time slice's end
    scheduled.elapse(SLICE - 20)
    assert scheduled.run() is thread and kernel.domain_end == budget.END_OF_TIME


def test_the_entry_that_runs_may_become_the_end_marker(scheduled: Running) -> None:
    """Its time goes on: the change counts when the schedule comes by again."""
    scheduled.elapse(100)
    assert running_domain(scheduled) == 1
    domain.invoke(scheduled.world.call(CONFIGURE, 1, 0, 0))
    scheduled.elapse(99)
    assert running_domain(scheduled) == 1
    for _ in range(2):
        scheduled.elapse(100)
        assert running_domain(scheduled) == 0


def test_starting_again_gives_the_rest_away(scheduled: Running) -> None:
    scheduled.elapse(60)
    domain.invoke(scheduled.world.call(SET_START, 0))
    scheduled.elapse(99)
    assert running_domain(scheduled) == 0
    scheduled.elapse(1)
    assert running_domain(scheduled) == 1


def test_a_domain_with_nobody_to_run_passes(scheduled: Running) -> None:
    theirs = kernel.ready[1].queues[10].head
    assert theirs is not None
    threads.suspend(theirs)
    scheduled.elapse(100)
    assert scheduled.run() is kernel.idle
    assert scheduled.deadline == 100
    scheduled.elapse(100)
    assert running_domain(scheduled) == 0
