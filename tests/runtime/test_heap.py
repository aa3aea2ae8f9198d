"""The heap against a model: what is allocated never overlaps, is zeroed, and comes back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pith.metal import machine
from pith.runtime.heap import Heap, HeapFull
from tests import arena

BASE, BYTES = 0x10_0000, 1 << 14


def fresh(size: int) -> Heap:
    """A heap of `size` bytes at BASE; its own struct, and the statics, lie elsewhere."""
    arena.attach(BASE, 2 * BYTES)
    heap = Heap.at(BASE + BYTES)
    heap.stock(BASE, size)
    return heap


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.integers(0, 900), st.tuples(st.just("free"), st.integers(0, 50))), max_size=60))
def test_pieces_are_apart_zeroed_and_reused(steps: list[int | tuple[str, int]]) -> None:
    heap = fresh(4096)
    held: list[tuple[int, int]] = []
    for step in steps:
        if isinstance(step, tuple):
            if held:
                heap.free(held.pop(step[1] % len(held))[0])
            continue
        try:
            address = heap.allocate(step)
        except HeapFull:
            continue
        assert address % 16 == 0 and address >= BASE and address + step <= BASE + 4096
        assert all(address + step <= a or a + n <= address for a, n in held)
        for i in range(step):
            assert machine.load_u8(address + i) == 0
            machine.store_u8(address + i, 0xAA)
        held.append((address, step))
    for address, _ in held:
        heap.free(address)
    assert heap.allocate(4096 - 16) == BASE + 16, "all freed pieces join into one again"


def test_full_heap_says_so_and_keeps_working() -> None:
    heap = fresh(256)
    with pytest.raises(HeapFull):
        heap.allocate(1000)
    assert heap.allocate(200) == BASE + 16


def test_freeing_twice_is_caught() -> None:
    heap = fresh(256)
    address = heap.allocate(16)
    heap.free(address)
    with pytest.raises(AssertionError):
        heap.free(address)
