"""The ready queues, one per domain and priority, and the bitmaps that find the highest."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import budget, scheduler, state
from pith.kernel.objects import Thread

from .census import Census, Violation, ready_queues
from .naming import name_of, state_name
from .queues import members


def the_bitmap_matches_the_queues(census: Census) -> Iterator[Violation]:
    """A rank's bit is set exactly if its queue has a thread, a word's bit exactly if the word is not 0."""
    for domain, ready in enumerate(state.kernel.ready):
        expected = [0] * len(ready.bitmap)
        for holder, priority, _ in census.once(ready_queues):
            if holder == domain:
                rank = state.PRIORITIES - 1 - priority
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
    current = state.kernel.current_domain
    queues = census.once(ready_queues)
    ranks = [state.PRIORITIES - 1 - priority for domain, priority, _ in queues if domain == current]
    expected = min(ranks, default=state.PRIORITIES)
    if state.kernel.best_rank != expected:
        yield Violation("best_rank", f"{state.kernel.best_rank}", f"{expected}, as the queues are")


def ready_threads_stand_where_they_belong(census: Census) -> Iterator[Violation]:
    """A thread in a ready queue is marked so, and the queue is that of its domain and priority."""
    for domain, priority, queue in census.once(ready_queues):
        for thread in members(queue):
            if (thread.domain, thread.priority) != (domain, priority) or not thread.is_ready:
                mark = "" if thread.is_ready else ", not marked ready"
                found = f"in domain {domain}, priority {priority}{mark}"
                expected = f"domain {thread.domain}, priority {thread.priority}, marked ready"
                yield Violation(name_of(thread), found, expected)


def marked_threads_are_queued(census: Census) -> Iterator[Violation]:
    """A thread that is marked ready stands in a ready queue."""
    queued = {thread.address for _, _, queue in census.once(ready_queues) for thread in members(queue)}
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
