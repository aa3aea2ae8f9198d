"""Ranges: against a plain set of addresses."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pith.kernel.memory_map import MOST, Ranges, add, remove, take_highest
from pith.metal.machine import Panic

from .conftest import World


def shown(ranges: Ranges) -> list[tuple[int, int]]:
    return [(ranges.items[index].start, ranges.items[index].end) for index in range(ranges.count)]


def test_pieces(world: World) -> None:
    ranges = world.make(Ranges)
    add(ranges, 100, 200)
    add(ranges, 0, 50)
    add(ranges, 60, 70)
    assert shown(ranges) == [(0, 50), (60, 70), (100, 200)]
    remove(ranges, 120, 130)
    assert shown(ranges) == [(0, 50), (60, 70), (100, 120), (130, 200)]
    remove(ranges, 40, 110)
    assert shown(ranges) == [(0, 40), (110, 120), (130, 200)]


def test_the_highest_place(world: World) -> None:
    ranges = world.make(Ranges)
    add(ranges, 0x1010, 0x3010)
    add(ranges, 0x4000, 0x5030)
    assert take_highest(ranges, 0x1010, 12) == 0x4000
    assert shown(ranges) == [(0x1010, 0x3010), (0x5010, 0x5030)]  # what is left above stays
    assert (
        take_highest(ranges, 0x1008, 12) == 0x2000
    )  # the last aligned place in the range that has room for it
    assert shown(ranges) == [(0x1010, 0x2000), (0x3008, 0x3010), (0x5010, 0x5030)]
    assert take_highest(ranges, 8, 3) == 0x5028
    for size, bits in ((0x1000, 12), (0xFF1, 0), (1 << 40, 12)):  # too long; unaligned there; longer than all
        with pytest.raises(Panic, match="large enough"):
            take_highest(ranges, size, bits)


cut = st.tuples(st.integers(0, 100), st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(cut, max_size=20))
def test_against_a_set(world: World, cuts: list[tuple[int, int]]) -> None:
    ranges = world.make(Ranges)
    add(ranges, 0, 40)
    add(ranges, 50, 100)
    expected = set(range(40)) | set(range(50, 100))
    for start, end in cuts:
        if start < end:
            remove(ranges, start, end)
            expected -= set(range(start, end))
    found = shown(ranges)
    assert {address for start, end in found for address in range(start, end)} == expected
    assert all(start < end for start, end in found)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(found))


def test_too_many_pieces(world: World) -> None:
    ranges = world.make(Ranges)
    add(ranges, 0, 1000)
    with pytest.raises(Panic, match="pieces"):
        for hole in range(MOST):
            remove(ranges, 10 * hole + 5, 10 * hole + 6)
