"""The release queue: threads that could run but for their budget, no refill before that of its parent in the heap."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import budget, scheduler, state
from pith.kernel.objects import Thread

from .census import Census, Violation
from .naming import name_of, state_name


def postponed() -> Iterator[Thread]:
    """Every thread in the release queue, each once, a parent before its children."""
    seen: set[int] = set()
    below = [state.kernel.next_release]
    while below:
        thread = below.pop()
        if thread is not None and thread.address not in seen:
            seen.add(thread.address)
            yield thread
            below += [thread.release_right, thread.release_left]


def postponed_threads_are_queued(census: Census) -> Iterator[Violation]:
    """A thread is marked postponed exactly if it stands in the release queue."""
    queued = {thread.address for thread in postponed()}
    for thread in census.all(Thread):
        if thread.is_postponed != (thread.address in queued):
            mark = "marked" if thread.is_postponed else "not marked"
            place = "in" if thread.address in queued else "not in"
            yield Violation(
                name_of(thread), f"{mark} postponed, {place} the release queue", "both or neither"
            )


def postponed_threads_wait_for_time_only(census: Census) -> Iterator[Violation]:
    """Whoever stands in the release queue is runnable, has an active context, and is not ready as well."""
    for thread in postponed():
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
    """No thread's refill comes before that of its parent in the heap."""
    for thread in postponed():
        parent = thread.release_parent
        if parent is not None and parent.release_time > thread.release_time:
            found = f"released at {thread.release_time}, below {name_of(parent)} at {parent.release_time}"
            yield Violation(name_of(thread), found, "rising times")


def releases_are_when_the_refill_comes(census: Census) -> Iterator[Violation]:
    """A postponed thread is released when its context's first refill may be used."""
    for thread in postponed():
        if thread.context is not None and thread.release_time != budget.first(thread.context).time:
            found = f"released at {thread.release_time}"
            yield Violation(name_of(thread), found, f"at {budget.first(thread.context).time}")


def the_heap_leans_left(census: Census) -> Iterator[Violation]:
    """Children name their parent, the right one's rank is not above the left one's, and 1 less than the parent's."""
    for thread in postponed():
        children = (thread.release_left, thread.release_right)
        left, right = (0 if child is None else child.release_rank for child in children)
        if right > left or thread.release_rank != right + 1:
            found = f"rank {thread.release_rank}, children {left} and {right}"
            yield Violation(name_of(thread), found, "1 more than the right, which is not above the left")
        for child in children:
            if child is not None and child.release_parent is not thread:
                found = f"release_parent {name_of(child.release_parent)}"
                yield Violation(name_of(child), found, name_of(thread))
    first = state.kernel.next_release
    if first is not None and first.release_parent is not None:
        yield Violation(name_of(first), f"release_parent {name_of(first.release_parent)}", "None")


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
    for thread in postponed():
        if thread.context is not None:
            dues[f"{name_of(thread)} is released"] = budget.first(thread.context).time
    for event, time in dues.items():
        if time < end:
            yield Violation("quiet_until", f"{kernel.quiet_until}, but {event} at {time}", f"{end} or later")


RULES = (
    postponed_threads_are_queued,
    postponed_threads_wait_for_time_only,
    releases_are_sorted,
    releases_are_when_the_refill_comes,
    the_heap_leans_left,
    quiet_ends_in_time,
)
