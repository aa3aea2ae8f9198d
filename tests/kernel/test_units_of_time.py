"""Microseconds and ticks: for every frequency of the clock, exact or rounded as documented, and never nothing.

Frequencies are from 1 Hz to 10 GHz where a function is alone, and from 10 kHz, where the kernel begins to boot, for what
a program can ask of it.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pith.kernel import budget, scheduler
from pith.kernel.riscv64 import timer
from pith.kernel.state import kernel
from pith.metal import MASK64, memory
from pith.metal.machine import Panic

from .conftest import World, fresh_world
from .invoking import OK, RANGE
from .running import refills
from .timing import Timing

MOST = 10_000_000_000
any_frequency = st.integers(1, MOST) | st.sampled_from([1, 1000, 32_768, 10_000_000, 3_579_545, MOST])
frequencies = st.integers(timer.LOWEST_FREQUENCY, MOST) | st.sampled_from(
    [10_000, 32_768, 10_000_000, 3_579_545, MOST]
)
words = st.integers(0, MASK64) | st.integers(0, 1 << 40) | st.integers(0, 1 << 20)


def set_frequency(frequency: int) -> None:
    if memory.buffer is None:
        fresh_world()
    kernel.ticks_per_second = frequency


@settings(max_examples=80, deadline=None)
@given(frequency=any_frequency, microseconds=words)
@example(frequency=MOST, microseconds=timer.SHORT)
@example(frequency=MOST, microseconds=timer.SHORT + 1)
def test_ticks_of_microseconds(frequency: int, microseconds: int) -> None:
    set_frequency(frequency)
    exact = Fraction(microseconds * frequency, 1_000_000)
    if ceil(exact) <= MASK64:
        assert timer.to_ticks(microseconds) == int(exact)
        assert timer.to_ticks_up(microseconds) == ceil(exact)


@settings(max_examples=80, deadline=None)
@given(frequency=any_frequency, ticks=words)
@example(frequency=1, ticks=MASK64)
def test_microseconds_of_ticks(frequency: int, ticks: int) -> None:
    set_frequency(frequency)
    exact = Fraction(ticks * 1_000_000, frequency)
    assert timer.to_microseconds(ticks) == min(int(exact), MASK64)
    if ceil(exact) <= MASK64:
        assert timer.to_microseconds_up(ticks) == ceil(exact)


@pytest.mark.parametrize("frequency", [timer.LOWEST_FREQUENCY, 32_768, 10_000_000, 3_579_545, MOST])
def test_frequencies_that_the_kernel_keeps_time_at(world: World, frequency: int) -> None:
    timer.initialise(frequency)
    assert kernel.margin >= 1 and Fraction(kernel.margin, frequency) >= Fraction(10, 1_000_000)


@pytest.mark.parametrize("frequency", [0, 1, 1000, 9_999, MOST + 1, MASK64])
def test_frequencies_that_it_cannot_keep_time_at(world: World, frequency: int) -> None:
    with pytest.raises(Panic, match="timebase-frequency must be 10,000 to 10,000,000,000 Hz"):
        timer.initialise(frequency)


# What a program asks for -----------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(frequency=frequencies, data=st.data())
def test_budgets_and_periods(frequency: int, data: st.DataObject) -> None:
    """Each is refused with the bounds, or lasts the smallest budget at least; nobody gets a larger share than was asked for."""
    system = Timing(fresh_world())
    timer.initialise(frequency)
    shortest, longest = budget.shortest(), budget.longest()
    assert Fraction(shortest * frequency, 1_000_000) >= budget.smallest() >= 2
    near = st.integers(max(shortest - 3, 0), shortest + 3) | st.integers(
        longest - 3, min(longest + 3, MASK64)
    )
    times = near | st.integers(0, 1000) | st.integers(0, 1 << 40) | st.integers(0, MASK64)
    amount = data.draw(times)
    period = data.draw(times | st.integers(amount, min(amount + 40, MASK64)) | st.just(amount))
    answer = system.configure(amount, period, extra=2)
    if not shortest <= amount <= longest or not shortest <= period <= longest:
        assert answer == (RANGE, [shortest, longest])
    elif amount > period:
        assert answer == (RANGE, [shortest, period])
    else:
        context = system.object
        assert answer == OK
        assert budget.is_round_robin(context) == (amount == period)
        assert budget.smallest() <= context.budget <= budget.MAX_PERIOD_TICKS
        if amount < period:
            assert context.budget < context.period <= budget.MAX_PERIOD_TICKS
            assert Fraction(context.budget, context.period) <= Fraction(amount, period)


@pytest.mark.parametrize("frequency", [timer.LOWEST_FREQUENCY, 32_768, 3_579_545, 10_000_000, MOST])
@pytest.mark.parametrize(("longer", "slack"), [(0, 0), (0, 1), (0, 1000), (777, 12_345)])
def test_a_thread_on_any_budget_runs_and_lets_others_run(
    world: World, frequency: int, longer: int, slack: int
) -> None:
    """It gets the processor again and again, and is stopped when its budget is over: each deadline brings the kernel on."""
    system = Timing(world)
    timer.initialise(frequency)
    slice_ = timer.to_ticks(5000)
    assert system.caller.context is not None
    budget.renew(system.caller.context, slice_, slice_, 2)
    amount = budget.shortest() + longer
    assert system.configure(amount, amount + slack, extra=3) == OK
    busy = system.thread(200, system.object)
    seen = []
    for late in (0, 0, 1, 300, 0, 0, 0, 0):
        seen.append(system.run())
        time = max(system.world.processor.csrs["time"], system._deadline_tick) + timer.to_ticks(late)
        assert time < budget.END_OF_TIME
        system.world.processor.csrs["time"] = time
        system.interrupt()
        assert budget.is_sufficient(system.object, 0)
        assert sum(amount for _, amount in refills(system.object)) * 10 == system.object.budget
    assert seen.count(busy) >= 2
    assert slack < 1000 or len(set(seen)) > 1


@settings(max_examples=80, deadline=None)
@given(frequency=frequencies, used=words)
def test_consumed_time_is_told_in_whole_microseconds(frequency: int, used: int) -> None:
    system = Timing(fresh_world())
    timer.initialise(frequency)
    assert system.configure(1000, 2000) == OK
    budget.charge(system.object, used)
    expected = min(min(used, budget.END_OF_TIME) * 1_000_000 // frequency, MASK64)
    assert budget.take_consumed(system.object) == expected


@settings(max_examples=40, deadline=None)
@given(
    frequency=frequencies,
    durations=st.lists(st.integers(1, (1 << 56) - 1) | st.integers(1, 300), min_size=2, max_size=4),
)
def test_each_domain_s_turn_is_long_enough_to_run_in(frequency: int, durations: list[int]) -> None:
    Timing(fresh_world())
    timer.initialise(frequency)
    kernel.domain_count = 16
    for index, duration in enumerate(durations):
        kernel.domain_schedule[index].duration = duration
        kernel.domain_schedule[index].domain = index
    scheduler.begin_domain(0)
    for index, duration in enumerate([*durations, durations[0]]):
        assert kernel.domain_index == index % len(durations)
        assert kernel.domain_end - kernel.now == max(duration, budget.smallest())
        kernel.now = kernel.domain_end
        scheduler.schedule()
