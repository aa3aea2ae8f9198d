"""Notifications: a word of badges that threads wait for.

A signal ors its badge into the word (ACTIVE), or wakes the first thread that waits (WAITING), or, if the
notification is bound to a thread that waits for messages at an endpoint, wakes that one. A notification
with a scheduling context lends it to a passive thread that it wakes; the context comes back when the thread
waits again.

Manual: chapter "Notifications".
"""

from __future__ import annotations

from pith.metal import inline, u64

from . import binding, blocking, budget, scheduler
from .objects import Notification, NotificationState, Register, Thread, ThreadState


def signal(notification: Notification, badge: u64) -> None:
    """Or `badge` into the word, or hand it to a thread that waits."""
    bound = notification.bound_thread
    match notification.state:
        case NotificationState.ACTIVE:
            remember(notification, badge)
        case NotificationState.WAITING:
            waiting = notification.queue.head
            assert waiting is not None
            _hand_over(notification, waiting, badge)
        case NotificationState.IDLE:
            if bound is not None and bound.state is ThreadState.BLOCKED_ON_RECEIVE:
                _hand_over(notification, bound, badge)
            else:
                remember(notification, badge)


@inline
def remember(notification: Notification, badge: u64) -> None:
    """Or `badge` into the word: nobody waits for it now."""
    notification.badge = (
        notification.badge | badge if notification.state is NotificationState.ACTIVE else badge
    )
    notification.state = NotificationState.ACTIVE


def _hand_over(notification: Notification, thread: Thread, badge: u64) -> None:
    """End the waiting of `thread` with the signal."""
    if thread.state is ThreadState.BLOCKED_ON_NOTIFICATION:
        blocking.leave_queue(thread)
    else:
        blocking.cancel(thread)
    thread.state = ThreadState.RUNNING
    thread.registers[Register.A0] = badge
    binding.lend(notification, thread)
    budget.wake_sporadic(thread.context)
    scheduler.wake(thread)


def wait(notification: Notification, thread: Thread, is_blocking: bool) -> None:
    """Give `thread` the word and clear it, or let it wait; not blocking, the answer is then 0."""
    if notification.state is NotificationState.ACTIVE:
        collect(notification, thread)
    elif is_blocking:
        binding.give_back(notification, thread)
        blocking.wait_at_notification(thread, notification)
    else:
        thread.registers[Register.A0] = 0


def collect(notification: Notification, thread: Thread) -> None:
    """Give the running `thread` the word of an active notification."""
    thread.registers[Register.A0] = notification.badge
    notification.state = NotificationState.IDLE
    binding.lend(notification, thread)
    budget.wake_sporadic(thread.context)


def bind(notification: Notification, thread: Thread) -> None:
    """Let signals reach `thread` also while it waits at an endpoint."""
    notification.bound_thread = thread
    thread.bound_notification = notification


def unbind(notification: Notification) -> None:
    """Undo `bind`, if it was done."""
    thread = notification.bound_thread
    if thread is not None:
        thread.bound_notification = None
        notification.bound_thread = None


def cancel_all(notification: Notification) -> None:
    """Let all waiting threads make their system calls again: the notification ends. Raises Preempted: call it again."""
    while (thread := notification.queue.head) is not None:
        blocking.cancel(thread)
        blocking.retry(thread)
        scheduler.preemption_point()
