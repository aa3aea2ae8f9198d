"""The ready queues, one per domain and priority, and the bitmaps that find the highest."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import budget, scheduler, state
from pith.kernel.objects import Thread

from .census import Census, Violation, non_empty_queues
from .naming import name_of, state_name
from .queues import members, queue_index


def the_bitmap_matches_the_queues(census: Census) -> Iterator[Violation]:
    """A rank's bit is set exactly if its queue has a thread, a word's bit exactly if the word is not 0."""
    for domain, ready in enumerate(state.kernel.ready):
        expected = [0] * len(ready.bitmap)
        for queue in non_empty_queues(ready):
            rank = state.PRIORITIES - 1 - queue_index(ready, queue)
            expected[rank // 64] |= 1 << rank % 64
        for index, word in enumerate(expected):
            if ready.bitmap[index] != word:
                subject = f"bitmap[{index}] of domain {domain}"
                yield Violation(subject, f"{ready.bitmap[index]:#x}", f"{word:#x}, as its queues are")
        words = sum(1 << index for index, word in enumerate(expected) if word)
        if ready.words != words:
            yield Violation(f"words of domain {domain}", f"{ready.words:#x}", f"{words:#x}, as its bitmap is")


def the_best_rank_is_known(census: Census) -> Iterator[Violation]:
    """`best_rank` is that of the current domain's ready thread of the highest priority, or 256."""
    ready = state.kernel.ready[state.kernel.current_domain]
    ranks = [state.PRIORITIES - 1 - queue_index(ready, queue) for queue in non_empty_queues(ready)]
    expected = min(ranks, default=state.PRIORITIES)
    if state.kernel.best_rank != expected:
        yield Violation("best_rank", f"{state.kernel.best_rank}", f"{expected}, as the queues are")


def ready_threads_stand_where_they_belong(census: Census) -> Iterator[Violation]:
    """A thread in a ready queue is marked so, and the queue is that of its domain and priority."""
    for domain, ready in enumerate(state.kernel.ready):
        for queue in non_empty_queues(ready):
            place = (domain, queue_index(ready, queue))
            for thread in members(queue):
                if (thread.domain, thread.priority) != place or not thread.is_ready:
                    mark = "" if thread.is_ready else ", not marked ready"
                    found = f"in domain {place[0]}, priority {place[1]}{mark}"
                    expected = f"domain {thread.domain}, priority {thread.priority}, marked ready"
                    yield Violation(name_of(thread), found, expected)


def marked_threads_are_queued(census: Census) -> Iterator[Violation]:
    """A thread that is marked ready stands in a ready queue."""
    queued = {
        thread.address
        for ready in state.kernel.ready
        for queue in non_empty_queues(ready)
        for thread in members(queue)
    }
    for thread in census.all(Thread):
        if thread.is_ready and thread.address not in queued:
            yield Violation(name_of(thread), "marked ready, in no ready queue", "in one")


def the_current_thread_is_not_queued(census: Census) -> Iterator[Violation]:
    """The current thread is in no ready queue (Benno scheduling)."""
    current = state.kernel.current
    if current is not None and current.is_ready:
        yield Violation(f"current {name_of(current)}", "marked ready", "in no ready queue")


def ready_threads_can_run(census: Census) -> Iterator[Violation]:
    """A thread in a ready queue is runnable, on a context whose first refill is enough to run on."""
    for thread in census.all(Thread):
        if thread.is_ready:
            context = thread.context
            if not scheduler.is_schedulable(thread):
                found = f"{state_name(thread.state)} on {name_of(context)}"
                yield Violation(f"ready {name_of(thread)}", found, "runnable on an active context")
            elif context is not None and not budget.is_sufficient(context, 0):
                found = f"a first refill of {budget.first(context).amount}"
                yield Violation(f"ready {name_of(thread)}", found, f"at least {budget.smallest()}")


RULES = (
    the_bitmap_matches_the_queues,
    the_best_rank_is_known,
    ready_threads_stand_where_they_belong,
    marked_threads_are_queued,
    the_current_thread_is_not_queued,
    ready_threads_can_run,
)
