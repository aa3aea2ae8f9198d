"""The release queue: threads that wait for their next refill, soonest first, however many there are.

A leftist heap through the threads themselves (Crane 1972; Knuth, "The Art of Computer Programming" 3, 5.2.3): no thread waits
for a time before its parent's, and the way down to the right is never longer than any other way to an empty place.
That way's length is the `release_rank`; a heap of n threads has a rank of log2(n + 1) at most. So joining two heaps
along their right sides, which is all that there is to do, takes 2 log2(n + 1) steps, for memory alone bounds n.

Invariants: the parent and its child name each other; rank is 1 more than that of the right child, whose rank is not above the
left one's; an absent child has rank 0. Of threads that wait for the same tick, any may be first.
"""

from __future__ import annotations

from pith.metal import cold, u8, u64

from .objects import Thread
from .state import kernel


@cold
def insert(thread: Thread, time: u64) -> None:
    """Let the thread, which is not in the queue, wait for `time`."""
    thread.release_time = time
    thread.release_rank = 1
    kernel.next_release = _join(kernel.next_release, thread)


@cold
def remove(thread: Thread) -> None:
    """Take a thread out of the queue, wherever it stands."""
    parent, rest = thread.release_parent, _join(thread.release_left, thread.release_right)
    if rest is not None:
        rest.release_parent = parent
    if parent is None:
        kernel.next_release = rest
    elif parent.release_left is thread:
        parent.release_left = rest
    else:
        parent.release_right = rest
    thread.release_parent = None
    thread.release_left = None
    thread.release_right = None
    while parent is not None and _could_settle(parent):  # each rank that changes is above the one before
        parent = parent.release_parent


def following(thread: Thread) -> Thread | None:
    """The next thread of a walk through the queue, which begins at `kernel.next_release`; in no order of time."""
    if thread.release_left is not None:
        return thread.release_left
    if thread.release_right is not None:
        return thread.release_right
    above = thread.release_parent
    while above is not None and (above.release_right is thread or above.release_right is None):
        thread = above
        above = thread.release_parent
    return None if above is None else above.release_right


def _join(one: Thread | None, other: Thread | None) -> Thread | None:
    """Two heaps as one; its first thread, which has no parent."""
    top: Thread | None = None
    last: Thread | None = None
    while one is not None and other is not None:
        if other.release_time < one.release_time:
            one, other = other, one
        one.release_parent = last
        if last is None:
            top = one
        else:
            last.release_right = one
        last = one
        one = one.release_right
    rest = other if one is None else one
    if rest is not None:
        rest.release_parent = last
    if last is None:
        return rest
    last.release_right = rest
    while last is not None:
        _could_settle(last)
        last = last.release_parent
    return top


def _could_settle(thread: Thread) -> bool:
    """Put the thread's children in order, and its rank right; whether that changed."""
    left, right = thread.release_left, thread.release_right
    if _rank(left) < _rank(right):
        thread.release_left, thread.release_right = right, left
        right = left
    rank: u8 = _rank(right) + 1
    if rank == thread.release_rank:
        return False
    thread.release_rank = rank
    return True


def _rank(thread: Thread | None) -> u8:
    return 0 if thread is None else thread.release_rank
