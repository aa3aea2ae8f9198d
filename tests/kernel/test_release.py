"""The release queue, against Python's lists; and how many steps it takes, which is what it is for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pith.kernel import release
from pith.kernel.objects import Thread
from pith.kernel.state import kernel
from pith.verify.census import take_census
from pith.verify.release import postponed, releases_are_sorted, the_heap_leans_left

from .conftest import World, fresh_world


def walked() -> list[Thread]:
    found, thread = [], kernel.next_release
    while thread is not None:
        found.append(thread)
        thread = release.following(thread)
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40))
def test_the_first_is_the_soonest(steps: list[tuple[bool, int]]) -> None:
    world, model = fresh_world(), list[Thread]()
    for inserts, number in steps:
        if inserts:
            thread = world.make(Thread)
            release.insert(thread, number)
            model.append(thread)
        elif model:
            thread = model.pop(number % len(model))
            release.remove(thread)
            assert (thread.release_parent, thread.release_left, thread.release_right) == (None, None, None)
        census = take_census()
        assert list(the_heap_leans_left(census)) == list(releases_are_sorted(census)) == []
        assert walked() == list(postponed())
        assert {thread.address for thread in walked()} == {thread.address for thread in model}
        first = kernel.next_release
        assert (first and first.release_time) == min((thread.release_time for thread in model), default=None)


def test_a_heap_of_any_shape_is_as_flat_as_its_logarithm(world: World) -> None:
    """Rising times make one long left side, falling ones a chain: neither makes the way to the right long."""
    for time in [*range(300), *range(300, 0, -1)]:
        release.insert(world.make(Thread), time)
    assert kernel.next_release is not None
    assert kernel.next_release.release_rank <= (600 + 1).bit_length()
