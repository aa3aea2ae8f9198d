"""The queues of endpoints and notifications, and the one queue that each thread may stand in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pith.kernel import state
from pith.kernel.objects import (
    Endpoint,
    Notification,
    NotificationState,
    Thread,
    ThreadQueue,
    ThreadState,
)
from pith.metal import Struct

from .census import WAITS_AT_ENDPOINT, Census, Violation, ready_queues
from .naming import name_of, state_name


@dataclass(frozen=True)
class Line:
    """A queue, under the name of what it is the queue of."""

    name: str
    queue: ThreadQueue
    owner: Struct | None = None  # the endpoint or notification


def lines(census: Census) -> list[Line]:
    """Every queue that may hold a thread; for `once`."""
    found = [Line(name_of(endpoint), endpoint.queue, endpoint) for endpoint in census.all(Endpoint)]
    for notification in census.all(Notification):
        found.append(Line(name_of(notification), notification.queue, notification))
    for domain, priority, queue in census.once(ready_queues):
        found.append(Line(f"ready queue {priority} of domain {domain}", queue))
    return found


def members(queue: ThreadQueue) -> Iterator[Thread]:
    """The threads from head on, each once."""
    seen: set[int] = set()
    thread = queue.head
    while thread is not None and thread.address not in seen:
        seen.add(thread.address)
        yield thread
        thread = thread.queue_next


def queues_are_linked_both_ways(census: Census) -> Iterator[Violation]:
    """In a queue each thread's previous is the one before it; head and tail are its ends, or both nothing."""
    for line in census.once(lines):
        before = None
        for thread in members(line.queue):
            if thread.queue_previous is not before:
                subject = f"{name_of(thread)} in {line.name}: queue_previous"
                yield Violation(subject, name_of(thread.queue_previous), name_of(before))
            before = thread
        if line.queue.tail is not before:
            yield Violation(f"{line.name}: tail", name_of(line.queue.tail), name_of(before))
        elif before is not None and before.queue_next is not None:
            yield Violation(f"{line.name}", "a circle", "an end")


def a_thread_stands_in_one_queue(census: Census) -> Iterator[Violation]:
    """No thread stands in two queues, and one that stands in none has no links."""
    places: dict[int, list[str]] = {}
    for line in census.once(lines):
        for thread in members(line.queue):
            places.setdefault(thread.address, []).append(line.name)
    for thread in census.all(Thread):
        found = places.get(thread.address, [])
        if len(found) > 1:
            yield Violation(name_of(thread), f"in {' and '.join(found)}", "in one queue")
        if not found and not (thread.queue_next is None and thread.queue_previous is None):
            links = f"next {name_of(thread.queue_next)}, previous {name_of(thread.queue_previous)}"
            yield Violation(f"{name_of(thread)}, in no queue", links, "no links")


def queued_threads_wait_for_their_queue(census: Census) -> Iterator[Violation]:
    """Whoever stands in an endpoint's or notification's queue is blocked on exactly that."""
    for line in census.once(lines):
        if line.owner is not None:
            for thread in members(line.queue):
                if waits_at(thread) is not line.owner:
                    found = f"{state_name(thread.state)}, waiting at {name_of(waits_at(thread))}"
                    yield Violation(f"{name_of(thread)} in the queue of {line.name}", found, "to wait there")


def waiting_threads_are_queued(census: Census) -> Iterator[Violation]:
    """Whoever is blocked on an endpoint or notification stands in its queue."""
    standing = {
        (thread.address, line.owner)
        for line in census.once(lines)
        if line.owner is not None
        for thread in members(line.queue)
    }
    for thread in census.all(Thread):
        waiting_at = waits_at(thread)
        if waiting_at is not None and (thread.address, waiting_at) not in standing:
            found = f"{state_name(thread.state)}, not in the queue"
            yield Violation(name_of(thread), found, f"in the queue of {name_of(waiting_at)}")


def waits_at(thread: Thread) -> Struct | None:
    """The endpoint or notification in whose queue the thread's state says that it stands."""
    if thread.state in WAITS_AT_ENDPOINT:
        return thread.wait_endpoint
    if thread.state is ThreadState.BLOCKED_ON_NOTIFICATION:
        return thread.wait_notification
    return None


def nobody_sends_where_somebody_receives(census: Census) -> Iterator[Violation]:
    """An endpoint's queue holds senders only or receivers only."""
    for endpoint in census.all(Endpoint):
        states = {thread.state for thread in members(endpoint.queue)}
        if len(states) > 1:
            yield Violation(name_of(endpoint), " and ".join(map(state_name, sorted(states))), "one of them")


def queues_are_sorted_by_priority(census: Census) -> Iterator[Violation]:
    """In an endpoint's or notification's queue no thread stands behind one of lower priority."""
    for line in census.once(lines):
        if line.owner is not None:
            priorities = [thread.priority for thread in members(line.queue)]
            if priorities != sorted(priorities, reverse=True):
                yield Violation(line.name, f"priorities {priorities}", "falling priorities")


def the_last_of_each_priority_leads_upwards(census: Census) -> Iterator[Violation]:
    """In an endpoint's or notification's queue the last of each priority but the highest names the last of the next higher."""
    for line in census.once(lines):
        if line.owner is not None:
            lasts = list({thread.priority: thread for thread in members(line.queue)}.values())
            for above, last in pairwise(lasts):
                if last.queue_above is not above:
                    subject = f"{name_of(last)} in {line.name}: queue_above"
                    yield Violation(subject, name_of(last.queue_above), name_of(above))


def a_cancellation_goes_on_at_a_sender(census: Census) -> Iterator[Violation]:
    """The sender that a cancellation of badged sends looks at next waits at its endpoint; without a cancellation nobody owns it."""
    kernel = state.kernel
    place, following = kernel.cancel_endpoint, kernel.cancel_next
    if place is None:
        if kernel.cancel_owner is not None:
            yield Violation("no cancellation", f"owned by {name_of(kernel.cancel_owner)}", "owned by nobody")
    elif following is not None and (
        following.state is not ThreadState.BLOCKED_ON_SEND or following.wait_endpoint is not place
    ):
        found = f"{state_name(following.state)}, at {name_of(following.wait_endpoint)}"
        yield Violation(
            f"next of a cancellation, {name_of(following)}", found, f"waiting to send at {name_of(place)}"
        )


def notifications_wait_or_hold_badges(census: Census) -> Iterator[Violation]:
    """A notification says that it is WAITING exactly if a thread waits in its queue."""
    for notification in census.all(Notification):
        has_waiters = notification.queue.head is not None
        if has_waiters != (notification.state is NotificationState.WAITING):
            found = f"{state_name(notification.state)}, queue {'not ' if has_waiters else ''}empty"
            yield Violation(name_of(notification), found, "waiting, exactly if the queue is not empty")


def bound_notifications_are_mutual(census: Census) -> Iterator[Violation]:
    """A thread and the notification bound to it name each other."""
    for thread in census.all(Thread):
        bound = thread.bound_notification
        if bound is not None and bound.bound_thread is not thread:
            subject = f"{name_of(bound)}, bound to {name_of(thread)}"
            yield Violation(subject, f"bound_thread {name_of(bound.bound_thread)}", name_of(thread))
    for notification in census.all(Notification):
        listener = notification.bound_thread
        if listener is not None and listener.bound_notification is not notification:
            subject = f"{name_of(listener)}, bound to {name_of(notification)}"
            found = f"bound_notification {name_of(listener.bound_notification)}"
            yield Violation(subject, found, name_of(notification))


RULES = (
    queues_are_linked_both_ways,
    a_thread_stands_in_one_queue,
    queued_threads_wait_for_their_queue,
    waiting_threads_are_queued,
    nobody_sends_where_somebody_receives,
    queues_are_sorted_by_priority,
    the_last_of_each_priority_leads_upwards,
    a_cancellation_goes_on_at_a_sender,
    notifications_wait_or_hold_badges,
    bound_notifications_are_mutual,
)
