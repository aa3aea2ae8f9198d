"""Blocking: a thread starts and stops waiting, in whichever queue.

Invariant: a thread in state BLOCKED_ON_SEND or BLOCKED_ON_RECEIVE stands in the queue of `wait_endpoint`,
one that is BLOCKED_ON_NOTIFICATION in that of `wait_notification`; each queue is sorted by priority, first
come first served among equals.
"""

from __future__ import annotations

from . import budget, reply, scheduler
from .objects import Endpoint, FaultKind, Notification, NotificationState, Thread, ThreadState
from .queue import insert_by_priority, remove


def wait_at_endpoint(thread: Thread, endpoint: Endpoint, state: ThreadState) -> None:
    """Queue `thread` at the endpoint, as a sender or a receiver."""
    thread.state = state
    thread.wait_endpoint = endpoint
    insert_by_priority(endpoint.queue, thread)


def wait_at_notification(thread: Thread, notification: Notification) -> None:
    """Queue `thread` for the next signal."""
    thread.state = ThreadState.BLOCKED_ON_NOTIFICATION
    thread.wait_notification = notification
    notification.state = NotificationState.WAITING
    insert_by_priority(notification.queue, thread)


def leave_queue(thread: Thread) -> None:
    """Take a blocked thread out of the queue that it stands in, if any; its state is for the caller to set."""
    endpoint, notification = thread.wait_endpoint, thread.wait_notification
    if endpoint is not None:
        remove(endpoint.queue, thread)
        thread.wait_endpoint = None
    if notification is not None:
        remove(notification.queue, thread)
        thread.wait_notification = None
        if notification.queue.head is None:
            notification.state = NotificationState.IDLE


def requeue(thread: Thread) -> None:
    """Put a blocked thread, whose priority changed, to its new place in the queue that it stands in."""
    if thread.wait_endpoint is not None:
        remove(thread.wait_endpoint.queue, thread)
        insert_by_priority(thread.wait_endpoint.queue, thread)
    if thread.wait_notification is not None:
        remove(thread.wait_notification.queue, thread)
        insert_by_priority(thread.wait_notification.queue, thread)


def cancel(thread: Thread) -> None:
    """End whatever the thread waits for, and its fault; a blocked thread becomes inactive."""
    thread.fault_kind = FaultKind.NONE
    match thread.state:
        case ThreadState.BLOCKED_ON_RECEIVE:
            reply.withdraw(thread)
        case ThreadState.BLOCKED_ON_REPLY:
            reply.abandon(thread)
        case ThreadState.BLOCKED_ON_SEND | ThreadState.BLOCKED_ON_NOTIFICATION:
            pass
        case _:
            return
    leave_queue(thread)
    thread.state = ThreadState.INACTIVE


def retry(thread: Thread) -> None:
    """Let a thread that is no longer blocked execute the instruction again that it blocked in."""
    thread.state = ThreadState.RESTART
    budget.wake_sporadic(thread.context)
    scheduler.wake(thread)
