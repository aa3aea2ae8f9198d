"""Communication: endpoints, notifications and reply objects, who waits at each, who may."""

from __future__ import annotations

from pith.kernel.objects import Endpoint, Notification, Reply, Thread, ThreadQueue, ThreadState
from pith.verify.census import Census
from pith.verify.naming import place, state_name
from pith.verify.queues import members

from .report import Report, Table, readable
from .threads import short_name


def report(census: Census) -> Report:
    """Three tables."""
    return Report("Communication", [endpoints(census), notifications(census), replies(census)])


def endpoints(census: Census) -> Table:
    rows = [
        (place(endpoint.address), readable(_side, endpoint.queue), _waiting(endpoint.queue))
        for endpoint in census.all(Endpoint)
    ]
    return Table(("endpoint", "state", "queue"), sorted(rows), "Endpoints")


def _side(queue: ThreadQueue) -> str:
    if queue.head is None:
        return "idle"
    return "senders wait" if queue.head.state is ThreadState.BLOCKED_ON_SEND else "receivers wait"


def _waiting(queue: ThreadQueue) -> str:
    return readable(_line, queue)


def _line(queue: ThreadQueue) -> str:
    return ", ".join(map(_with_badge, members(queue)))


def _with_badge(thread: Thread) -> str:
    if thread.state is not ThreadState.BLOCKED_ON_SEND:
        return short_name(thread)
    verb = "calls" if thread.wait_is_call else "sends"
    return f"{short_name(thread)} {verb}" + (
        f" with badge {thread.wait_badge:#x}" if thread.wait_badge else ""
    )


def notifications(census: Census) -> Table:
    rows = [
        (
            place(notification.address),
            readable(_notification_state, notification),
            f"{notification.badge:#x}",
            readable(_listener, notification),
            _waiting(notification.queue),
        )
        for notification in census.all(Notification)
    ]
    return Table(("notification", "state", "badges", "bound to", "queue"), sorted(rows), "Notifications")


def _notification_state(notification: Notification) -> str:
    return state_name(notification.state)


def _listener(notification: Notification) -> str:
    listener = notification.bound_thread
    return short_name(listener) if listener is not None else ""


def replies(census: Census) -> Table:
    rows = [(place(reply.address), readable(_stack, reply)) for reply in census.all(Reply)]
    return Table(("reply", "calls, the newest first"), sorted(rows), "Reply objects")


def _stack(reply: Reply) -> str:
    if reply.caller is None:
        return "free"
    if reply.caller.state is ThreadState.BLOCKED_ON_RECEIVE:
        return f"brought by {short_name(reply.caller)}"
    calls: list[str] = []
    below: Reply | None = reply
    while below is not None and below.caller is not None and len(calls) < 100:
        calls.append(short_name(below.caller))
        below = below.previous
    return " ← ".join(calls)
