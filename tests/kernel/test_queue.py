"""Queues of threads, against Python's lists."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pith.kernel import queue as kernel_queue
from pith.kernel.objects import Thread, ThreadQueue
from pith.kernel.queue import insert_after, insert_by_priority, remove, remove_by_priority, remove_first

from .conftest import fresh_world

steps = st.lists(st.tuples(st.sampled_from(["front", "back", "remove"]), st.integers(0, 5)), max_size=30)


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
@given(
    st.lists(
        st.tuples(st.sampled_from(["insert", "insert", "first", "any"]), st.integers(0, 30)), max_size=60
    )
)
def test_queues_by_priority_are_sorted_lists(steps: list[tuple[str, int]]) -> None:
    world = fresh_world()
    queue, model = world.make(ThreadQueue), list[Thread]()
    for action, number in steps:
        if action == "insert":
            thread = world.make(Thread)
            thread.priority = number % 5
            insert_by_priority(queue, thread)
            model.append(thread)
            model.sort(key=lambda thread: -thread.priority)
        elif model and action == "first":
            remove_first(queue, model.pop(0))  # as the fast path does
        elif model:
            remove_by_priority(queue, model.pop(number % len(model)))
        assert contents(queue) == model


@pytest.mark.parametrize("waiters", [10, 1000])
def test_finding_a_place_takes_as_many_steps_as_there_are_priorities(
    waiters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = fresh_world()
    queue, steps = world.make(ThreadQueue), list[Thread]()
    for number in range(waiters):
        thread = world.make(Thread)
        thread.priority = number % 5
        insert_by_priority(queue, thread)
    one_step = kernel_queue._last_above
    monkeypatch.setattr(kernel_queue, "_last_above", lambda q, last: steps.append(last) or one_step(q, last))
    highest = world.make(Thread)
    highest.priority = 9
    insert_by_priority(queue, highest)
    assert queue.head is highest and len(steps) == 5


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
            else:
                insert_after(queue, thread, queue.tail)
                model.append(thread)
        assert contents(queue) == model
