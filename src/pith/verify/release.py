"""The release queue: threads that could run but for their budget, soonest refill first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pith.kernel import budget, scheduler, state
from pith.kernel.objects import Thread

from .census import Census, Violation
from .naming import name_of, state_name
from .queues import members


def postponed_threads_are_queued(census: Census) -> Iterator[Violation]:
    """A thread is marked postponed exactly if it stands in the release queue."""
    queued = {thread.address for thread in members(state.kernel.release_queue)}
    for thread in census.all(Thread):
        if thread.is_postponed != (thread.address in queued):
            mark = "marked" if thread.is_postponed else "not marked"
            place = "in" if thread.address in queued else "not in"
            yield Violation(
                name_of(thread), f"{mark} postponed, {place} the release queue", "both or neither"
            )


def postponed_threads_wait_for_time_only(census: Census) -> Iterator[Violation]:
    """Whoever stands in the release queue is runnable, has an active context, and is not ready as well."""
    for thread in members(state.kernel.release_queue):
        context = thread.context
        if (
            not scheduler.is_runnable(thread)
            or context is None
            or not budget.is_active(context)
            or thread.is_ready
        ):
            found = f"{state_name(thread.state)} on {name_of(context)}{', marked ready' if thread.is_ready else ''}"
            yield Violation(
                f"postponed {name_of(thread)}", found, "runnable, on an active context, not ready"
            )


def releases_are_sorted(census: Census) -> Iterator[Violation]:
    """No thread stands in the release queue behind one whose refill comes later."""
    waiting = list(members(state.kernel.release_queue))
    for before, thread in pairwise(waiting):
        if before.context is None or thread.context is None:
            continue  # said by the rule above
        sooner, later = budget.first(before.context).time, budget.first(thread.context).time
        if sooner > later:
            found = f"released at {later}, behind {name_of(before)} at {sooner}"
            yield Violation(name_of(thread), found, "rising times")


def quiet_ends_in_time(census: Census) -> Iterator[Violation]:
    """Until `quiet_until`, and for the smallest budget beyond, nothing that time brings is due."""
    kernel = state.kernel
    if not kernel.quiet_until:
        return
    end = kernel.quiet_until + budget.smallest()
    dues = {"the domain's time ends": kernel.domain_end}
    if kernel.current_context is not None:
        amount = budget.first(kernel.current_context).amount
        dues["the current budget ends"] = kernel.used_since + amount
    for thread in members(kernel.release_queue):
        if thread.context is not None:
            dues[f"{name_of(thread)} is released"] = budget.first(thread.context).time
    for event, time in dues.items():
        if time < end:
            yield Violation("quiet_until", f"{kernel.quiet_until}, but {event} at {time}", f"{end} or later")


RULES = (
    postponed_threads_are_queued,
    postponed_threads_wait_for_time_only,
    releases_are_sorted,
    quiet_ends_in_time,
)
