"""The board's small devices: the one that ends the machine, the wall clock, and slots with nothing in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

EMPTY_SLOT: Final = {
    0x000: 0x7472_6976,
    0x004: 1,
    0x008: 0,
    0x00C: 0x554D_4551,
}  # magic, version, device, vendor
PASS, FAIL, RESET = 0x5555, 0x3333, 0x7777


class TestDevice:
    """SiFive's test device: a write ends the machine, with 0 or with the failure's code."""

    span, sizes = 0x1000, (2, 4)
    __test__ = False  # not a test, whatever pytest makes of the name

    def __init__(self, end: Callable[[int], None]) -> None:
        self.end = end

    def load(self, offset: int, size: int) -> int:
        return 0

    def store(self, offset: int, size: int, value: int) -> None:
        if offset == 0 and value & 0xFFFF in (PASS, RESET):
            self.end(0)
        elif offset == 0 and value & 0xFFFF == FAIL:
            self.end(value >> 16 & 0xFFFF)


class RealTimeClock:
    """Google's goldfish clock: nanoseconds since 1970, here since the machine's start. It sets no alarms."""

    span, sizes = 0x24, (4, 8)

    def __init__(self, nanoseconds: Callable[[], int]) -> None:
        self.nanoseconds = nanoseconds
        self.high = 0

    def load(self, offset: int, size: int) -> int:
        if size == 8:
            return self.load(offset, 4) | self.load(offset + 4, 4) << 32
        match offset:
            case 0:  # reading the low half latches the high one
                now = self.nanoseconds()
                self.high = now >> 32
                return now & 0xFFFF_FFFF
            case 4:
                return self.high
        return 0

    def store(self, offset: int, size: int, value: int) -> None:
        pass


class EmptyVirtioSlot:
    """A virtio-mmio transport without a device: it identifies itself, and says so (virtio 1.2, 4.2.2)."""

    span, sizes = 0x200, (1, 2, 4, 8)

    def load(self, offset: int, size: int) -> int:
        if size == 8:
            return self.load(offset, 4) | self.load(offset + 4, 4) << 32
        return EMPTY_SLOT.get(offset, 0)

    def store(self, offset: int, size: int, value: int) -> None:
        pass
