"""Queues of threads, doubly linked through the threads themselves.

A thread stands in at most one queue at a time, so one pair of links serves all: an endpoint's or
notification's queue while it is blocked, a ready queue while it is ready. Which one, its state and flags tell; who
adds and removes keeps those true.

The queues of endpoints and notifications are sorted by priority. A thread finds its place there in as many steps as there are
priorities, however many threads wait: `queue_above` leads from the last thread of a priority to the last of the next
higher one that is present. Of the head's priority there is none above, and what `queue_above` says there means nothing. So
the first thread leaves, which is what the fast path does, without a look at it.
"""

from __future__ import annotations

from pith.metal import cold, inline

from .objects import Thread, ThreadQueue


def insert_after(queue: ThreadQueue, thread: Thread, place: Thread | None) -> None:
    """Put `thread` behind `place`, or in front if that is None."""
    after = queue.head if place is None else place.queue_next
    thread.queue_previous = place
    thread.queue_next = after
    if place is None:
        queue.head = thread
    else:
        place.queue_next = thread
    if after is None:
        queue.tail = thread
    else:
        after.queue_previous = thread


@inline
def insert_by_priority(queue: ThreadQueue, thread: Thread) -> None:
    """Put `thread` behind all of its priority or higher: the queues of endpoints and notifications."""
    if queue.head is None:
        queue.head = thread
        queue.tail = thread
    else:
        _insert_among_others(queue, thread)


@cold
def _insert_among_others(queue: ThreadQueue, thread: Thread) -> None:
    below: Thread | None = None
    place = queue.tail
    while place is not None and place.priority < thread.priority:
        below = place
        place = _last_above(queue, place)
    insert_after(queue, thread, place)
    if place is not None:
        thread.queue_above = place.queue_above if place.priority == thread.priority else place
    if below is not None:
        below.queue_above = thread


@inline
def remove_by_priority(queue: ThreadQueue, thread: Thread) -> None:
    """Take `thread`, which `insert_by_priority` put into `queue`, out of it; its priority is the same still."""
    if thread is queue.head:
        remove_first(queue, thread)
    else:
        _remove_from_others(queue, thread)


@cold
def _remove_from_others(queue: ThreadQueue, thread: Thread) -> None:
    before, after = thread.queue_previous, thread.queue_next
    assert before is not None  # it is not the head
    if after is None or after.priority < thread.priority:  # it was the last of its priority
        above = thread.queue_above
        if before.priority == thread.priority:
            before.queue_above = above
            above = before
        below = queue.tail
        while below is not None and below is not thread and below.queue_above is not thread:
            below = below.queue_above
        if below is not None:
            below.queue_above = above
    remove(queue, thread)


@inline
def _last_above(queue: ThreadQueue, last: Thread) -> Thread | None:
    """From the last of a priority to that of the next higher one."""
    first = queue.head
    return None if first is None or last.priority == first.priority else last.queue_above


@inline
def remove_first(queue: ThreadQueue, first: Thread) -> None:
    """Take the queue's first thread out of it."""
    following = first.queue_next
    queue.head = following
    if following is None:
        queue.tail = None
    else:
        following.queue_previous = None
        first.queue_next = None


def remove(queue: ThreadQueue, thread: Thread) -> None:
    """Take `thread`, which stands in `queue`, out of it."""
    before, after = thread.queue_previous, thread.queue_next
    if before is None:
        queue.head = after
    else:
        before.queue_next = after
    if after is None:
        queue.tail = before
    else:
        after.queue_previous = before
    thread.queue_next = None
    thread.queue_previous = None
