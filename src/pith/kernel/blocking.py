"""Blocking: a thread starts and stops waiting, in whichever queue.

Invariant: a thread in state BLOCKED_ON_SEND or BLOCKED_ON_RECEIVE stands in the queue of `wait_endpoint`,
one that is BLOCKED_ON_NOTIFICATION in that of `wait_notification`; each queue is sorted by priority, first
come first served among equals.
"""

from __future__ import annotations

from pith.metal import cold, inline, u8

from . import budget, reply, scheduler
from .objects import Endpoint, FaultKind, Notification, NotificationState, Thread, ThreadState
from .queue import insert_by_priority, remove_by_priority
from .state import kernel


def wait_at_endpoint(thread: Thread, endpoint: Endpoint, state: ThreadState) -> None:
    """Queue `thread` at the endpoint, as a sender or a receiver."""
    if state is ThreadState.BLOCKED_ON_SEND:
        thread.wait_since = kernel.now
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
        remove_by_priority(endpoint.queue, thread)
        thread.wait_endpoint = None
    if notification is not None:
        remove_by_priority(notification.queue, thread)
        thread.wait_notification = None
        if notification.queue.head is None:
            notification.state = NotificationState.IDLE


@cold
def change_priority(thread: Thread, priority: u8) -> None:
    """Set the priority of a thread that waits in a queue, where it goes to its new place."""
    endpoint, notification = thread.wait_endpoint, thread.wait_notification
    if endpoint is not None:
        pass_cancellation(thread)
        remove_by_priority(endpoint.queue, thread)
    if notification is not None:
        remove_by_priority(notification.queue, thread)
    thread.priority = priority
    if endpoint is not None:
        insert_by_priority(endpoint.queue, thread)
    if notification is not None:
        insert_by_priority(notification.queue, thread)


@cold
def pass_cancellation(sender: Thread) -> None:
    """The sender leaves its place: a cancellation that was interrupted there goes on with the next."""
    if sender is kernel.cancel_next:
        kernel.cancel_next = sender.queue_next


@inline
def cancel(thread: Thread) -> None:
    """End whatever the thread waits for, and its fault; a blocked thread becomes inactive."""
    thread.fault_kind = FaultKind.NONE
    if scheduler.is_blocked(thread):
        _stop_waiting(thread)


def _stop_waiting(thread: Thread) -> None:
    match thread.state:
        case ThreadState.BLOCKED_ON_RECEIVE:
            reply.withdraw(thread)
        case ThreadState.BLOCKED_ON_REPLY:
            reply.abandon(thread)
        case ThreadState.BLOCKED_ON_SEND:
            pass_cancellation(thread)
        case _:
            pass
    leave_queue(thread)
    thread.state = ThreadState.INACTIVE


def retry(thread: Thread) -> None:
    """Let a thread that is no longer blocked execute the instruction again that it blocked in."""
    thread.state = ThreadState.RESTART
    budget.wake_sporadic(thread.context)
    scheduler.wake(thread)
