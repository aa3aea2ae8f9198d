"""Who runs on whose time: scheduling contexts and the threads and notifications that they are bound to.

A context belongs to one thread at a time, and a thread runs on one context at most; both know it. A thread
without is passive: it runs when a caller, or a notification that has a context, lends it one.

Manual: "Scheduling Context Donation", "Passive Threads".
"""

from __future__ import annotations

from pith.abi.messages import MessageInfo

from . import budget, scheduler
from .errors import IllegalOperation
from .message import put_header, put_word
from .objects import Notification, SchedContext, Thread
from .state import kernel


def ensure_bindable(context: SchedContext, thread: Thread) -> None:
    """Raise IllegalOperation unless `bind` would do."""
    if context.thread is not None or thread.context is not None:
        raise IllegalOperation()
    if scheduler.is_blocked(thread) and not budget.is_released(context):
        raise IllegalOperation()  # a blocked thread has budget always: it may be woken at any time


def bind(context: SchedContext, thread: Thread) -> None:
    """Give the context, which no thread has, to a thread that has none; it may run from now on."""
    context.thread = thread
    thread.context = context
    budget.wake_sporadic(context)
    scheduler.wake(thread)


def unbind(context: SchedContext) -> None:
    """Take the context away from its thread, if it has one."""
    thread = context.thread
    if thread is not None:
        scheduler.dequeue(thread)
        thread.context = None
        context.thread = None


def donate(context: SchedContext, receiver: Thread) -> None:
    """Move the context to `receiver`, a passive thread, from the thread that has it."""
    unbind(context)
    context.thread = receiver
    receiver.context = context


def bind_notification(context: SchedContext, notification: Notification) -> None:
    """Let threads that the notification wakes run on the context."""
    context.notification = notification
    notification.context = context


def unbind_notification(context: SchedContext) -> None:
    """Undo `bind_notification`, if it was done."""
    notification = context.notification
    if notification is not None:
        notification.context = None
        context.notification = None


def lend(notification: Notification, thread: Thread) -> None:
    """Let `thread`, which got a signal, run on the notification's context if it has none of its own."""
    context = notification.context
    if context is not None and context.thread is None and thread.context is None:
        donate(context, thread)


def give_back(notification: Notification, thread: Thread) -> None:
    """Take the notification's context back from `thread`, which is about to block."""
    context = notification.context
    if context is not None and context is thread.context:
        unbind(context)


def unbind_all(context: SchedContext) -> None:
    """Leave the context to nobody: no thread, no notification, no call chain that it would return along."""
    unbind(context)
    unbind_notification(context)
    if context.reply is not None:
        context.reply.context = None
        context.reply = None


def finalise(context: SchedContext) -> None:
    """The context ends: charge it a last time, and take it out of everything that refers to it."""
    if context is kernel.current_context:
        scheduler.commit_time()
        kernel.current_context = None
    finish_yield(context)
    unbind_all(context)
    context.refill_max = 0


# SchedContext_YieldTo ---------------------------------------------------------------------------------------


def finish_yield(context: SchedContext) -> None:
    """Tell the thread that yielded to this context, if one did, how much time that took."""
    thread = context.yielding_from
    if thread is not None:
        put_word(thread, None, 0, budget.take_consumed(context))
        put_header(thread, 0, MessageInfo(length=1))
        cancel_yield(thread)


def cancel_yield(thread: Thread) -> None:
    """Forget that `thread` yielded to a context, if it did."""
    context = thread.yielding_to
    if context is not None:
        context.yielding_from = None
        thread.yielding_to = None
