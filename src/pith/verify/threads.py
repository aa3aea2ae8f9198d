"""What threads do: states, faults, and who may run."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import scheduler, state
from pith.kernel.objects import FaultKind, Thread, ThreadState

from .census import WAITS_AT_ENDPOINT, WAITS_FOR_REPLY, Census, Violation
from .naming import name_of, state_name


def the_current_thread_can_run(census: Census) -> Iterator[Violation]:
    """Out of the kernel somebody is current: a thread that can be scheduled, or the idle thread."""
    current = state.kernel.current
    if current is None:
        yield Violation("the current thread", "nothing", "a thread")
    elif current is not state.kernel.idle and not scheduler.is_schedulable(current):
        found = f"{state_name(current.state)}, on {name_of(current.context)}"
        found += ", postponed" if current.is_postponed else ""
        yield Violation(f"current {name_of(current)}", found, "runnable, on an active context")


def the_current_context_is_the_current_threads(census: Census) -> Iterator[Violation]:
    """The scheduling context that is being charged is the one that the current thread runs on."""
    current, charged = state.kernel.current, state.kernel.current_context
    if current is not None and charged is not current.context:
        yield Violation("the current context", name_of(charged), name_of(current.context))


def no_decision_is_left(census: Census) -> Iterator[Violation]:
    """Out of the kernel the scheduler has nothing left to decide."""
    kernel = state.kernel
    if kernel.scheduler_action is not state.SchedulerAction.KEEP or kernel.next_thread is not None:
        found = f"{kernel.scheduler_action.name}, candidate {name_of(kernel.next_thread)}"
        yield Violation("the scheduler's decision", found, "KEEP, no candidate")


def only_the_idle_thread_is_idle(census: Census) -> Iterator[Violation]:
    """A thread is in state IDLE exactly if it is the kernel's idle thread."""
    for thread in census.all(Thread):
        is_idle = thread is state.kernel.idle
        if (thread.state is ThreadState.IDLE) != is_idle:
            yield Violation(name_of(thread), state_name(thread.state), "idle" if is_idle else "another state")


def threads_wait_for_what_their_state_says(census: Census) -> Iterator[Violation]:
    """wait_endpoint, wait_notification and wait_reply are set in the states that mean them, and in no others.

    A receiver need not bring a reply object; all others are there exactly if the state says so.
    """
    for thread in census.all(Thread):
        now = thread.state
        for field, item, may, must in (
            ("wait_endpoint", thread.wait_endpoint, now in WAITS_AT_ENDPOINT, now in WAITS_AT_ENDPOINT),
            (
                "wait_notification",
                thread.wait_notification,
                now is ThreadState.BLOCKED_ON_NOTIFICATION,
                now is ThreadState.BLOCKED_ON_NOTIFICATION,
            ),
            ("wait_reply", thread.wait_reply, now in WAITS_FOR_REPLY, now is ThreadState.BLOCKED_ON_REPLY),
        ):
            if (must and item is None) or (item is not None and not may):
                subject = f"{name_of(thread)}, {state_name(now)}: {field}"
                yield Violation(subject, name_of(item), "something" if must else "nothing")


def runnable_threads_have_no_fault(census: Census) -> Iterator[Violation]:
    """A thread with a fault waits for its handler, or is stopped."""
    for thread in census.all(Thread):
        if thread.fault_kind is not FaultKind.NONE and scheduler.is_runnable(thread):
            found = f"{state_name(thread.state)} with {state_name(thread.fault_kind)} fault"
            yield Violation(name_of(thread), found, "no fault, or not running")


def domains_exist(census: Census) -> Iterator[Violation]:
    """Every thread is in a domain that there is."""
    for thread in census.all(Thread):
        if thread.domain >= state.DOMAINS:
            yield Violation(name_of(thread), f"domain {thread.domain}", f"below {state.DOMAINS}")


def who_can_run_competes(census: Census) -> Iterator[Violation]:
    """A thread that could be given the processor is current, or in its ready queue."""
    for thread in census.all(Thread):
        if scheduler.is_schedulable(thread) and not thread.is_ready and thread is not state.kernel.current:
            yield Violation(
                name_of(thread), "schedulable, in no ready queue", "in its ready queue, or current"
            )


RULES = (
    the_current_thread_can_run,
    the_current_context_is_the_current_threads,
    no_decision_is_left,
    only_the_idle_thread_is_idle,
    threads_wait_for_what_their_state_says,
    runnable_threads_have_no_fault,
    domains_exist,
    who_can_run_competes,
)
