"""Cutting a device's page out of a device untyped: what the kernel would put where, followed by a model."""

from __future__ import annotations

import pytest

from pith.abi.bootinfo import BootInfo
from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.runtime.device import DeviceMissing, cuts, device_page
from pith.runtime.pool import Pool
from tests.runtime.conftest import RecordingProcessor, Trap

BOARD = [(0x0, 25, 1), (0x8020_0000, 21, 0), (0x1000_0000, 28, 1)]
FIRST_UNTYPED = 500


class Kernel:
    """Untypeds as the kernel cuts them: the next object lies at the next multiple of its size."""

    def __init__(self) -> None:
        self.free = {FIRST_UNTYPED + i: start for i, (start, _, _) in enumerate(BOARD)}
        self.pages: dict[int, int] = {}

    def answer(self, trap: Trap) -> tuple[int, ...]:
        assert trap.info.label == Label.UNTYPED_RETYPE
        bits = 12 if trap.words[0] == ObjectType.PAGE else trap.words[1]
        start = -(-self.free[trap.cap] // (1 << bits)) * (1 << bits)
        assert start == self.free[trap.cap], "nothing may be left out in between"
        self.free[trap.cap] = start + (1 << bits)
        if trap.words[0] == ObjectType.PAGE:
            self.pages[trap.words[4]] = start
        return (0,) * 7


@pytest.fixture
def kernel(processor: RecordingProcessor, free_memory: int) -> Kernel:
    made = Kernel()
    processor.answer = made.answer
    for i in range(len(BOARD)):
        cuts.done[i] = 0
    return made


def board(free_memory: int) -> tuple[Pool, BootInfo]:
    pool, info = Pool.at(free_memory), BootInfo.at(free_memory + 4096)
    pool.stock(300, 20, 1000, 100)
    info.untyped.start, info.untyped.end = FIRST_UNTYPED, FIRST_UNTYPED + len(BOARD)
    for i, (start, bits, is_device) in enumerate(BOARD):
        description = info.untyped_list[i]
        description.physical_address, description.size_bits, description.is_device = start, bits, is_device
    return pool, info


def test_pages_of_one_region_in_ascending_order(kernel: Kernel, free_memory: int) -> None:
    pool, info = board(free_memory)
    for wanted in (0x0, 0x1000, 0x10_0000, 0x10_1000, 0x1FF_F000, 0x1000_0000, 0x1000_8000):
        assert kernel.pages[device_page(pool, info, wanted)] == wanted


@pytest.mark.parametrize("wanted", [0x8020_0000, 0x200_0000, 0x2000_0000, 1 << 60])
def test_what_is_no_device_is_missing(wanted: int, kernel: Kernel, free_memory: int) -> None:
    pool, info = board(free_memory)
    with pytest.raises(DeviceMissing):
        device_page(pool, info, wanted)


def test_what_was_cut_off_cannot_be_had_any_more(kernel: Kernel, free_memory: int) -> None:
    pool, info = board(free_memory)
    device_page(pool, info, 0x10_0000)
    for wanted in (0x10_0000, 0x5000):
        with pytest.raises(DeviceMissing):
            device_page(pool, info, wanted)
