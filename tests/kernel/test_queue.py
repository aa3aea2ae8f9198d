"""Queues of threads, against Python's lists."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pith.kernel.objects import Thread, ThreadQueue
from pith.kernel.queue import insert_after, insert_by_priority, remove

from .conftest import fresh_world

steps = st.lists(
    st.tuples(st.sampled_from(["front", "back", "priority", "remove"]), st.integers(0, 5)), max_size=30
)


def contents(queue: ThreadQueue) -> list[Thread]:
    """The queue from its head; checks that the way back is the same."""
    forward, thread = [], queue.head
    while thread is not None:
        forward.append(thread)
        thread = thread.queue_next
    backward, thread = [], queue.tail
    while thread is not None:
        backward.append(thread)
        thread = thread.queue_previous
    assert backward == forward[::-1]
    return forward


@settings(max_examples=100, deadline=None)
@given(steps)
def test_queues_are_lists(steps: list[tuple[str, int]]) -> None:
    world = fresh_world()
    queue, model = world.make(ThreadQueue), list[Thread]()
    for action, number in steps:
        if action == "remove":
            if model:
                remove(queue, model.pop(number % len(model)))
        else:
            thread = world.make(Thread)
            thread.priority = number
            if action == "front":
                insert_after(queue, thread, None)
                model.insert(0, thread)
            elif action == "back":
                insert_after(queue, thread, queue.tail)
                model.append(thread)
            else:
                insert_by_priority(queue, thread)
                place = len(model)
                while place and model[place - 1].priority < number:
                    place -= 1
                model.insert(place, thread)
        assert contents(queue) == model
