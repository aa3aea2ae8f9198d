"""Queues of threads, doubly linked through the threads themselves.

A thread stands in at most one queue at a time, so one pair of links serves all: an endpoint's or
notification's queue while it is blocked, a ready queue while it is ready. Which one, its state and flags tell; who
adds and removes keeps those true.
"""

from __future__ import annotations

from pith.metal import inline

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


def insert_by_priority(queue: ThreadQueue, thread: Thread) -> None:
    """Put `thread` behind all of its priority or higher: the queues of endpoints and notifications."""
    place = queue.tail
    while place is not None and place.priority < thread.priority:
        place = place.queue_previous
    insert_after(queue, thread, place)


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
