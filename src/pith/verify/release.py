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


RULES = (postponed_threads_are_queued, postponed_threads_wait_for_time_only, releases_are_sorted)
