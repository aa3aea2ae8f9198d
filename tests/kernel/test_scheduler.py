"""The scheduler: queues, priorities, who runs next, on whose time, until when."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import SystemCall
from pith.kernel import budget, scheduler
from pith.kernel import thread as threads
from pith.kernel.errors import Preempted
from pith.kernel.objects import ThreadState
from pith.kernel.riscv64 import timer
from pith.kernel.riscv64.csr import SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER
from pith.kernel.state import SchedulerAction, kernel

from .conftest import World
from .running import SLICE, Running, ready, refills


@pytest.fixture
def system(world: World) -> Running:
    return Running(world)


def test_with_nothing_to_run_the_idle_thread_is_chosen(system: Running) -> None:
    assert system.run() is kernel.idle
    assert kernel.current_context is None


def test_the_highest_priority_runs(system: Running) -> None:
    low, high = system.thread(5), system.thread(200)
    middle = system.thread(100)
    assert system.run() is high
    threads.suspend(high)
    assert system.run() is middle
    threads.suspend(middle)
    assert system.run() is low


def test_the_current_thread_is_in_no_queue(system: Running) -> None:
    thread = system.thread(7)
    system.run()
    assert not thread.is_ready
    assert ready(7) == []
    assert kernel.ready[0].words == 0


def test_a_woken_equal_does_not_preempt(system: Running) -> None:
    first = system.thread(10)
    system.run()
    second = system.thread(10)
    assert system.run() is first
    assert ready(10) == [second]


def test_a_preempted_thread_comes_back_before_its_equals(system: Running) -> None:
    first, second = system.thread(10), system.thread(10)
    running = system.run()
    other = second if running is first else first
    high = system.thread(11)
    assert system.run() is high
    assert ready(10) == [running, other]


def test_two_woken_at_once_leave_the_choice_to_priority(system: Running) -> None:
    system.make_current(system.thread(10))
    system.thread(20)
    high = system.thread(30)
    assert kernel.scheduler_action is SchedulerAction.CHOOSE
    assert system.run() is high


def test_waking_what_cannot_run_does_nothing(system: Running) -> None:
    passive = system.passive(50)
    scheduler.wake(passive)
    blocked = system.passive(50, ThreadState.BLOCKED_ON_RECEIVE)
    blocked.context = system.context()
    scheduler.wake(blocked)
    assert system.run() is kernel.idle


def test_a_thread_without_budget_waits_for_its_refill(system: Running) -> None:
    context = system.context(100, 1000)
    system.elapse(100)
    budget.charge(context, timer.to_ticks(100))
    thread = system.thread(10, context)
    assert thread.is_postponed
    assert system.run() is kernel.idle
    assert system.deadline == 900
    system.elapse(900)
    assert system.run() is thread
    assert not thread.is_postponed


def test_the_release_queue_is_sorted(system: Running) -> None:
    late, soon = system.context(100, 3000), system.context(100, 1000)
    for context in (late, soon):
        budget.charge(context, timer.to_ticks(100))
    system.thread(10, late)
    first = system.thread(10, soon)
    assert kernel.next_release is first
    system.run()
    assert system.deadline == 1000


def test_the_deadline_is_the_end_of_the_budget(system: Running) -> None:
    system.thread(10, system.context(300, 1000))
    system.run()
    assert system.deadline == 300


def test_a_deadline_moves_forward_at_a_switch_and_back_when_it_has_come(system: Running) -> None:
    short, long = system.thread(10, system.context(300, 1000)), system.thread(20, system.context(700, 2000))
    assert system.run() is long
    assert system.deadline == 700
    long.state = ThreadState.INACTIVE
    assert system.run() is short
    assert system.deadline == 300  # sooner
    system.elapse(100)
    long.state = ThreadState.RUNNING
    scheduler.wake(long)
    assert system.run() is long
    assert system.deadline == 200  # what was set for the other; too early is no harm
    system.elapse(200)
    assert system.interrupt() is long
    assert system.deadline == 500


def test_who_yields_to_nobody_goes_on_with_a_new_slice(system: Running) -> None:
    thread = system.make_current(system.thread(10))
    system.thread(9)
    calls = len(system.world.processor.sbi_calls)
    context = thread.context
    assert context is not None
    system.world.processor.csrs["time"] += timer.to_ticks(1000)
    assert system.system_call(SystemCall.YIELD) is thread
    assert refills(context)[0][1] == SLICE
    assert ready(10) == []
    assert len(system.world.processor.sbi_calls) == calls  # the deadline comes too early, which is no harm
    equal = system.thread(10)
    assert system.system_call(SystemCall.YIELD) is equal
    assert ready(10) == [thread]


def test_the_timer_is_left_alone_when_nothing_moved(system: Running) -> None:
    system.thread(10)
    system.run()
    calls = len(system.world.processor.sbi_calls)
    system.elapse(10)
    system.run()
    assert len(system.world.processor.sbi_calls) == calls


def test_switching_charges_who_ran(system: Running) -> None:
    low = system.thread(10, system.context(1000, 5000, refills=4))
    system.run()
    system.elapse(200)
    system.thread(20)
    system.run()
    assert low.context is not None
    assert refills(low.context) == [(0, 800), (4800, 200)]
    assert low.context.consumed == timer.to_ticks(200)


def test_constant_bandwidth_starts_its_burst_when_it_gets_the_processor(system: Running) -> None:
    thread = system.thread(10, system.context(1000, 5000, refills=4))
    system.elapse(700)
    system.run()
    assert thread.context is not None
    assert refills(thread.context) == [(0, 1000)]


def test_sporadic_starts_its_burst_when_it_wakes(system: Running) -> None:
    thread = system.thread(10, system.context(1000, 5000, refills=4, sporadic=True))
    system.elapse(700)
    system.run()
    assert thread.context is not None
    assert refills(thread.context) == [(-700, 1000)]


# Time slices ------------------------------------------------------------------------------------------------


def test_a_used_up_time_slice_goes_to_the_next_of_its_priority(system: Running) -> None:
    first, second = system.thread(10), system.thread(10)
    running = system.run()
    other = second if running is first else first
    system.elapse(SLICE)
    assert system.interrupt() is other
    assert ready(10) == [running]


def test_a_lone_thread_gets_its_next_slice_at_once(system: Running) -> None:
    thread = system.thread(10)
    system.run()
    system.elapse(SLICE)
    assert system.interrupt() is thread
    assert system.deadline == SLICE


def test_a_used_up_budget_waits_for_the_next_period(system: Running) -> None:
    thread = system.make_current(system.thread(10, system.context(100, 1000)))
    other = system.thread(1)
    system.elapse(100)
    assert system.interrupt() is other
    assert thread.is_postponed
    assert thread.state is ThreadState.RESTART


def test_an_idle_kernel_waits_for_the_next_refill(system: Running) -> None:
    thread = system.make_current(system.thread(10, system.context(100, 1000)))
    start = kernel.now
    system.elapse(100)
    assert system.interrupt() is thread
    assert system.naps == 1
    assert kernel.now - start == timer.to_ticks(1000)


def test_yield_gives_the_rest_away_uncounted(system: Running) -> None:
    first, second = system.thread(10), system.thread(10)
    running = system.make_current(first)
    system.elapse(30)
    assert system.system_call(SystemCall.YIELD) is second
    assert running.context is not None
    assert budget.take_consumed(running.context) == 30
    assert [amount for _, amount in refills(running.context)] == [SLICE, 0]


def test_yield_of_a_periodic_thread_waits_for_the_period(system: Running) -> None:
    thread = system.make_current(system.thread(10, system.context(100, 1000)))
    other = system.thread(5)
    system.elapse(30)
    assert system.system_call(SystemCall.YIELD) is other
    assert thread.is_postponed
    assert thread.context is not None
    assert refills(thread.context) == [(970, 100)]


# Domains ----------------------------------------------------------------------------------------------------


def test_only_the_current_domain_runs_and_the_schedule_goes_round(system: Running) -> None:
    ours, theirs = system.thread(10), system.passive(10)
    for index, domain in enumerate((0, 1)):
        kernel.domain_schedule[index].duration = timer.to_ticks(1000)
        kernel.domain_schedule[index].domain = domain
    scheduler.begin_domain(0)
    threads.set_domain(theirs, 1)
    theirs.context = system.context()
    theirs.context.thread = theirs
    scheduler.wake(theirs)
    assert system.run() is ours
    assert system.deadline == 1000
    system.elapse(1000)
    assert system.run() is theirs
    system.elapse(1000)
    assert system.run() is ours


def test_changing_the_domain_of_the_current_thread_stops_it(system: Running) -> None:
    thread = system.make_current(system.thread(10))
    threads.set_domain(thread, 1)
    assert system.run() is kernel.idle
    threads.set_domain(thread, 0)
    assert system.run() is thread


def test_a_domain_that_ends_during_a_system_call_lets_it_be_made_again(system: Running) -> None:
    thread = system.make_current(system.thread(10))
    kernel.domain_schedule[0].duration = timer.to_ticks(100)
    scheduler.begin_domain(0)
    system.run()
    system.elapse(100)
    assert system.system_call(SystemCall.YIELD) is thread
    assert thread.registers[31] == thread.registers[32]  # NEXT_PC is the system call again


# Preemption points ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pending", [SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER])
def test_long_work_stops_for_any_interrupt(system: Running, pending: int) -> None:
    system.world.processor.csrs["sip"] = pending
    with pytest.raises(Preempted):
        scheduler.preemption_point()


def test_long_work_goes_on_when_nothing_waits(system: Running) -> None:
    system.make_current(system.thread(10))
    system.world.processor.csrs["sip"] = 1 << 1  # another processor's, which nobody sends
    scheduler.preemption_point()
