"""A pool cuts objects as the kernel does: aligned to their size, one behind the other, never beyond the end."""

import pytest

from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.runtime.pool import Pool, PoolEmpty, bytes_bits
from tests.runtime.conftest import RecordingProcessor


def pool_of(address: int, size_bits: int, slots: int) -> Pool:
    pool = Pool.at(address)
    pool.stock(300, size_bits, 1000, slots)
    return pool


def test_objects_go_to_slots_in_a_row(processor: RecordingProcessor, free_memory: int) -> None:
    pool = pool_of(free_memory, 16, 10)
    assert [pool.make(ObjectType.ENDPOINT), pool.make(ObjectType.PAGE)] == [1000, 1001]
    assert [t.info.label for t in processor.traps] == [Label.UNTYPED_RETYPE] * 2
    assert processor.traps[1].words == [ObjectType.PAGE, 0, 0, 0, 1001, 1]
    assert pool.used == 8192, "the page is aligned to its size behind the endpoint"


def test_an_object_that_does_not_fit_is_refused_before_the_kernel_is_asked(
    processor: RecordingProcessor, free_memory: int
) -> None:
    pool = pool_of(free_memory, 13, 10)
    pool.make(ObjectType.PAGE)
    pool.make(ObjectType.REPLY)
    with pytest.raises(PoolEmpty):
        pool.make(ObjectType.PAGE)
    assert len(processor.traps) == 2
    pool.make(ObjectType.ENDPOINT)


def test_slots_run_out_too(processor: RecordingProcessor, free_memory: int) -> None:
    pool = pool_of(free_memory, 20, 2)
    pool.make(ObjectType.TCB)
    pool.take_slot()
    with pytest.raises(PoolEmpty):
        pool.make(ObjectType.TCB)
    with pytest.raises(PoolEmpty):
        pool.take_slots(1)


def test_an_emptied_pool_is_as_new(processor: RecordingProcessor, free_memory: int) -> None:
    pool = pool_of(free_memory, 13, 2)
    pool.make(ObjectType.PAGE)
    pool.take_slot()
    pool.empty()
    _, revoke, *deletes = processor.traps
    assert [(t.info.label, t.words[:2]) for t in deletes] == [
        (Label.CNODE_DELETE, [slot, 64]) for slot in (1000, 1001)
    ]
    assert (revoke.cap, revoke.info.label, revoke.words[:2]) == (2, Label.CNODE_REVOKE, [300, 64])
    assert pool.make(ObjectType.PAGE) == 1000
    assert pool.used == 4096


@pytest.mark.parametrize(
    ("type", "size_bits", "expected"),
    [
        (ObjectType.UNTYPED, 17, 17),
        (ObjectType.CNODE, 6, 11),
        (ObjectType.SCHED_CONTEXT, 8, 8),
        (ObjectType.TCB, 0, 11),
        (ObjectType.ENDPOINT, 0, 4),
        (ObjectType.NOTIFICATION, 0, 6),
        (ObjectType.REPLY, 0, 5),
        (ObjectType.PAGE, 0, 12),
        (ObjectType.PAGE_TABLE, 0, 12),
        (ObjectType.MEGA_PAGE, 0, 21),
        (ObjectType.GIGA_PAGE, 0, 30),
    ],
)
def test_sizes(type: ObjectType, size_bits: int, expected: int) -> None:
    assert bytes_bits(type, size_bits) == expected
