"""Invocations of scheduling control: a context gets its time."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.kernel import binding, budget
from pith.kernel.context_invocation import SPORADIC
from pith.kernel.objects import SchedContextCap, Thread, ThreadCap, ThreadState
from pith.kernel.riscv64 import timer

from .conftest import World
from .invoking import ILLEGAL, INVALID, OK, RANGE, TRUNCATED
from .running import full_endpoint_cap, refills
from .timing import CONTROL, Timing

LONGEST = budget.MAX_PERIOD_TICKS // 10


@pytest.fixture
def system(world: World) -> Timing:
    return Timing(world)


def thread_cap(thread: Thread) -> ThreadCap:
    return ThreadCap(thread)


def test_a_context_is_configured(system: Timing) -> None:
    assert system.configure(100, 1000, extra=3, badge=9, flags=SPORADIC) == OK
    context = system.object
    assert refills(context) == [(0, 100)]
    assert (context.refill_max, context.badge, context.sporadic) == (5, 9, True)
    assert context.period == timer.to_ticks(1000)


def test_an_equal_period_is_round_robin_with_two_refills(system: Timing) -> None:
    assert system.configure(100, 100, extra=3) == OK
    assert budget.is_round_robin(system.object)
    assert system.object.refill_max == 2


@pytest.mark.parametrize(
    "amount, period, extra, answer",
    [
        (19, 1000, 0, [20, LONGEST]),
        (0, 0, 0, [20, LONGEST]),
        (1 << 63, 1 << 63, 0, [20, LONGEST]),
        (20, 19, 0, [20, LONGEST]),
        (20, (1 << 64) - 1, 0, [20, LONGEST]),
        (1000, 999, 0, [20, 999]),
        (100, 1000, 9, [0, 8]),
    ],
)
def test_parameters_out_of_range(
    system: Timing, amount: int, period: int, extra: int, answer: list[int]
) -> None:
    assert system.configure(amount, period, extra) == (RANGE, answer)
    assert not budget.is_active(system.object)


def test_a_refused_budget_is_told_the_shortest(system: Timing) -> None:
    timer.initialise(32_768)
    assert system.configure(61, 1000) == (RANGE, [62, (1 << 64) - 1])
    assert system.configure(62, 61) == (RANGE, [62, (1 << 64) - 1])
    assert system.configure(1000, 999) == (RANGE, [62, 999])
    assert system.configure(62, 63) == OK
    assert (system.object.budget, system.object.period) == (2, 3)


def test_the_smallest_and_the_largest_parameters(system: Timing) -> None:
    assert system.configure(20, LONGEST, extra=8) == OK
    assert system.configure(LONGEST, LONGEST) == OK


def test_configure_errors(system: Timing) -> None:
    assert system.configure(100, 1000, cap=full_endpoint_cap(system.endpoint())) == (INVALID, [1])
    assert system.invoke(Label.SCHED_CONTROL_CONFIGURE_FLAGS, 1, 2, 3, 4, 5, on=CONTROL) == (TRUNCATED, [])
    caps = (SchedContextCap(8, system.object),)
    assert system.invoke(Label.SCHED_CONTROL_CONFIGURE_FLAGS, 1, 2, 3, 4, caps=caps, on=CONTROL) == (
        TRUNCATED,
        [],
    )
    assert system.invoke(Label.TCB_SUSPEND, on=CONTROL) == (ILLEGAL, [])


def test_times_are_checked_before_the_context(system: Timing) -> None:
    """The context's size bounds its refills, so its kind is only asked for then."""
    no_context = full_endpoint_cap(system.endpoint())
    for amount, period in ((0, 1000), (100, 0), (1000, 100)):
        assert system.configure(amount, period, cap=no_context)[0] == RANGE
    assert system.configure(100, 1000, extra=1 << 20, cap=no_context) == (INVALID, [1])


def test_a_runnable_thread_starts_when_its_context_is_configured(system: Timing) -> None:
    thread = system.passive(200)
    binding.bind(system.object, thread)
    assert system.run() is system.caller
    system.configure(100, 1000)
    assert system.run() is thread


def test_reconfiguring_in_use_counts_what_was_used(system: Timing) -> None:
    context = system.caller.context
    assert context is not None
    system.elapse(1000)
    assert system.configure(10_000, 20_000, extra=4, cap=SchedContextCap(8, context)) == OK
    assert refills(context) == [(0, 4000), (20_000, 6000)]
    assert system.run() is system.caller
    assert system.deadline == 4000


def test_reconfiguring_a_waiting_thread_can_release_it(system: Timing) -> None:
    system.configure(100, 100_000)
    budget.charge(system.object, timer.to_ticks(100))
    thread = system.passive(200)
    binding.bind(system.object, thread)
    assert thread.is_postponed
    thread.state = ThreadState.INACTIVE
    system.configure(200, 1000)
    assert not thread.is_postponed and budget.is_ready(system.object)
