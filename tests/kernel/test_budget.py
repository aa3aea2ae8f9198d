"""Budgets: refills, charging, overruns, the limits of time arithmetic."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pith.abi.labels import Label
from pith.kernel import budget
from pith.kernel.objects import SchedContext, SchedContextCap, SchedControlCap
from pith.kernel.riscv64 import timer
from pith.kernel.state import kernel
from pith.metal import MASK64

from .conftest import World, fresh_world
from .invoking import OK, Invoking
from .running import HZ, Running, refills


@pytest.fixture
def system(world: World) -> Running:
    return Running(world)


def ticks(microseconds: int) -> int:
    return timer.to_ticks(microseconds)


def test_a_new_context_has_its_whole_budget_now(system: Running) -> None:
    context = system.context(100, 1000)
    assert refills(context) == [(0, 100)]
    assert budget.is_released(context)
    assert not budget.is_round_robin(context)


def test_round_robin_moves_budget_to_the_second_refill_and_back(system: Running) -> None:
    context = system.context(100)
    assert budget.is_round_robin(context)
    budget.charge(context, ticks(30))
    assert [amount for _, amount in refills(context)] == [70, 30]
    budget.end_slice(context)
    assert [amount for _, amount in refills(context)] == [100, 0]


@pytest.mark.parametrize("usage", [81, 100, 130])
def test_a_used_up_time_slice_is_followed_by_another(system: Running, usage: int) -> None:
    context = system.context(100)
    budget.charge(context, ticks(usage))
    assert [amount for _, amount in refills(context)] == [100, 0]
    assert budget.is_released(context)


def test_used_time_comes_back_one_period_after_it_might_be_used(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(40)
    budget.charge(context, ticks(40))
    assert refills(context) == [(0, 60), (960, 40)]


def test_a_used_up_refill_returns_whole(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(100)
    budget.charge(context, ticks(100))
    assert refills(context) == [(900, 100)]
    assert not budget.is_ready(context)


def test_an_overrun_is_paid_back_by_waiting(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(130)
    budget.charge(context, ticks(130))
    # 100 are due at 1000, and the 30 too many take another 300 to earn.
    assert refills(context) == [(1170, 100)]


def test_an_overrun_joins_the_refills_that_it_delays_into_one_another(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(50)
    budget.charge(context, ticks(50))
    system.elapse(450)
    budget.unblock(context)
    system.elapse(98)
    budget.charge(context, ticks(98))  # 50 at 500 are used up, and 48 of the 50 that were due at 1000
    assert refills(context) == [(1480 - 598, 100)]


def test_whole_refills_used_too_early_come_back_whole(system: Running) -> None:
    context = system.context(100, 1000)
    system.elapse(250)
    budget.charge(context, ticks(250))
    assert refills(context) == [(2500 - 250, 100)]


def test_too_small_a_rest_waits_for_the_next_refill(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(90)
    budget.charge(context, ticks(90))
    assert refills(context) == [(900, 100)]  # the 10 end where the 90 begin


def test_a_full_ring_delays_its_last_refill(system: Running) -> None:
    context = system.context(1000, 10000, refills=2)
    for _ in range(3):
        system.elapse(100)
        budget.charge(context, ticks(100))
        budget.unblock(context)
    assert len(refills(context)) == 2
    assert sum(amount for _, amount in refills(context)) == 1000


def test_a_full_ring_delays_its_last_refill_up_to_one_that_does_not_touch_it(system: Running) -> None:
    context = system.context(1000, 10000, refills=2)
    for _ in range(2):
        budget.unblock(context)
        system.elapse(100)
        budget.charge(context, ticks(100))
        system.elapse(400)
    # 100 were due after 9,500 and 100 after 10,000: all come with the second.
    assert refills(context) == [(-400, 800), (9400, 200)]


def test_unblocking_starts_the_burst_now_and_joins_what_is_due(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(40)
    budget.charge(context, ticks(40))
    system.elapse(950)
    budget.unblock(context)
    assert refills(context) == [(0, 100)]


def test_unblocking_does_nothing_to_round_robin_or_to_the_future(system: Running) -> None:
    slice_ = system.context(100)
    system.elapse(50)
    budget.unblock(slice_)
    assert refills(slice_)[0] == (-50, 100)
    future = system.context(100, 1000)
    budget.charge(future, ticks(100))
    before = refills(future)
    budget.unblock(future)
    assert refills(future) == before


def test_an_update_keeps_what_was_used(system: Running) -> None:
    context = system.context(100, 1000, refills=4)
    system.elapse(40)
    budget.charge(context, ticks(40))
    budget.update(context, ticks(200), ticks(2000), 4)
    assert refills(context) == [(0, 60), (2000, 140)]
    budget.update(context, ticks(50), ticks(500), 2)
    assert refills(context) == [(0, 50)]
    budget.update(context, ticks(80), ticks(80), 2)
    assert [amount for _, amount in refills(context)] == [50, 30]


def test_consumed_time_is_told_once(system: Running) -> None:
    context = system.context(100, 1000)
    budget.charge(context, ticks(40))
    assert budget.take_consumed(context) == 40
    assert budget.take_consumed(context) == 0


def test_no_refill_is_later_than_the_end_of_time(system: Running) -> None:
    context = system.context(20, 40, refills=8)
    budget.renew(context, ticks(20), budget.MAX_PERIOD_TICKS, 8)
    budget.charge(context, 1 << 40)
    assert budget.first(context).time == budget.END_OF_TIME
    budget.charge(context, 1 << 60)
    assert budget.first(context).time == budget.END_OF_TIME


LONGEST = budget.MAX_PERIOD_TICKS // (HZ // 1_000_000)  # µs
long_times = st.integers(0, LONGEST)


@settings(max_examples=60, deadline=None)
@example(0, 5315, 5315, 2, [(LONGEST - 2590, 1296, False), (LONGEST, LONGEST, False)])
@given(
    start=st.integers(0, budget.MAX_PERIOD_TICKS),
    amount=st.integers(20, LONGEST),
    slack=st.integers(0, LONGEST),
    refill_max=st.integers(2, 10),
    uses=st.lists(st.tuples(long_times, long_times, st.booleans()), max_size=6),
)
def test_the_longest_times_do_not_overflow(
    start: int, amount: int, slack: int, refill_max: int, uses: list[tuple[int, int, bool]]
) -> None:
    system = Running(fresh_world())
    system.world.processor.csrs["time"] = kernel.now = start
    context = system.context(amount, min(amount + slack, LONGEST), refills=refill_max)
    for wait, use, unblocks in uses:
        kernel.now = min(kernel.now + ticks(wait), budget.END_OF_TIME)
        if unblocks:
            budget.unblock(context)
        budget.charge(context, ticks(use))
        rows = [budget.refill(context, position) for position in range(context.refill_count)]
        assert sum(row.amount for row in rows) == context.budget
        assert all(row.time + row.amount + context.period <= MASK64 for row in rows)
        assert budget.is_sufficient(context, 0) and context.consumed <= budget.END_OF_TIME


@pytest.mark.parametrize("size_bits, most", [(7, 2), (8, 10), (12, 250)])
def test_refills_that_an_object_has_room_for(size_bits: int, most: int) -> None:
    assert budget.most_refills(size_bits) == most


uses = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 500), st.booleans()), max_size=40)


@settings(max_examples=60, deadline=None)
@given(uses=uses, amount=st.integers(20, 2000), extra=st.integers(0, 8), slack=st.integers(1, 5000))
def test_budget_is_neither_lost_nor_made(
    uses: list[tuple[int, int, bool]], amount: int, extra: int, slack: int
) -> None:
    system = Running(fresh_world())
    context = system.context(amount, amount + slack, refills=2 + extra)
    for wait, use, unblocks in uses:
        system.elapse(wait)
        if unblocks:
            budget.unblock(context)
        if budget.is_ready(context):
            system.elapse(use)
            budget.charge(context, ticks(use))
        rows = [budget.refill(context, position) for position in range(context.refill_count)]
        assert 1 <= len(rows) <= context.refill_max
        assert sum(row.amount for row in rows) == context.budget
        assert all(a.time + a.amount <= b.time for a, b in pairwise(rows))
        assert budget.is_sufficient(context, 0)


@settings(max_examples=60, deadline=None)
@given(uses=uses, jump=st.integers(0, 100_000), extra=st.integers(0, 8), slack=st.integers(1, 5000))
def test_a_use_of_more_than_the_budget_is_paid_for_in_full(
    uses: list[tuple[int, int, bool]], jump: int, extra: int, slack: int
) -> None:
    """Refill by refill, or in one go: the latter gives nothing back earlier, and no more than a period later."""
    results = []
    for skip in (budget._skip_rounds, lambda context, usage: usage):
        system = Running(fresh_world())
        context = system.context(100, 100 + slack, refills=2 + extra)
        for wait, use, unblocks in uses:
            system.elapse(wait)
            if unblocks:
                budget.unblock(context)
            system.elapse(min(use, 100))
            budget.charge(context, ticks(min(use, 100)))
        system.elapse(jump)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(budget, "_skip_rounds", skip)
            budget.charge(context, ticks(jump))
        rows = [budget.refill(context, position) for position in range(context.refill_count)]
        assert sum(row.amount for row in rows) == context.budget
        assert all(a.time + a.amount <= b.time for a, b in pairwise(rows))
        results.append(rows[0].time)
    in_one_go, one_by_one = results
    assert one_by_one <= in_one_go <= one_by_one + context.period + context.budget


def test_a_ring_has_so_many_refills_at_most(world: World) -> None:
    """Whatever its object has room for: going through the ring is bounded."""
    system = Invoking(world)
    context = world.make(SchedContext, 1024)
    system.give(system.caller, 5, SchedControlCap(0))
    cap = SchedContextCap(10, context)
    assert system.invoke(Label.SCHED_CONTROL_CONFIGURE_FLAGS, 100, 1000, 40, 0, 0, caps=(cap,), on=5) == OK
    assert context.refill_max == budget.MOST_REFILLS


@settings(max_examples=60, deadline=None)
@given(data=st.data(), amount=st.integers(2, budget.MAX_PERIOD_TICKS - 1))
def test_what_was_used_too_early_is_earned_by_waiting(data: st.DataObject, amount: int) -> None:
    """Overrun times period over budget, for budgets from nanoseconds to years, and shares from all to next to nothing."""
    period = data.draw(st.integers(amount + 1, budget.MAX_PERIOD_TICKS))
    overrun = data.draw(st.integers(1, amount))
    system = Running(fresh_world())
    context = system.context(100, 1000)
    budget.renew(context, amount, period, 2)
    budget.first(context).time = began = kernel.now + 1
    budget._pay_back(context, overrun)
    earned = budget.first(context).time - began
    exact = overrun * period // amount
    lost = 0 if amount <= 1 << 32 else amount >> 29
    assert min(exact, budget.END_OF_TIME - began) - lost <= earned <= exact + lost


def test_a_clock_that_jumps_by_years_is_paid_for_at_once(system: Running) -> None:
    context = system.context(20, 40, refills=8)
    began, years = budget.first(context).time, 1 << 55
    kernel.now += years
    budget.charge(context, years)
    earned = years // context.budget * context.period
    assert earned <= budget.first(context).time - began <= earned + 3 * context.period
    assert sum(amount for _, amount in refills(context)) == 20


@settings(max_examples=40, deadline=None)
@given(bursts=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 100)), min_size=1, max_size=40))
def test_no_window_of_a_period_holds_more_than_the_budget(bursts: list[tuple[int, int]]) -> None:
    system = Running(fresh_world())
    context = system.context(100, 400, refills=10)
    used: list[int] = []  # the tick of each microsecond's use
    for wait, use in bursts:
        system.elapse(wait)
        budget.unblock(context)
        if not budget.is_ready(context):
            continue
        use = min(use, budget.first(context).amount // 10)
        used += [kernel.now // 10 + offset for offset in range(use)]
        system.elapse(use)
        budget.charge(context, ticks(use))
    for start in used:
        window = sum(1 for at in used if start <= at < start + 400)
        assert window <= 100 + 2 * timer.KERNEL_ENTRY_MICROSECONDS


def test_the_timer_is_set_through_the_firmware_or_by_sstc(system: Running) -> None:
    timer.set_deadline(77)
    assert system.world.processor.sbi_calls[-1] == (timer.SBI_TIMER, 0, 77, 0, 0)
    kernel.has_sstc = True
    timer.set_deadline(99)
    assert system.world.processor.csrs["stimecmp"] == 99
    assert kernel.ticks_per_second == HZ
