"""The board's devices, driven as a driver would: register by register."""

from __future__ import annotations

import pytest

from pith.machine.bus import Bus, Device, NoDevice
from pith.machine.peripherals import EmptyVirtioSlot, RealTimeClock, TestDevice
from pith.machine.plic import Plic
from pith.machine.uart import Uart

SUPERVISOR_ENABLE, SUPERVISOR_THRESHOLD, SUPERVISOR_CLAIM = 0x2080, 0x20_1000, 0x20_1004


def plic_with(*sources: int) -> Plic:
    """Each source enabled for supervisor mode, at priority 1, its line up."""
    plic = Plic()
    for source in sources:
        plic.store(4 * source, 4, 1)
        word = SUPERVISOR_ENABLE + source // 32 * 4
        plic.store(word, 4, plic.load(word, 4) | 1 << source % 32)
        plic.set_line(source, True)
    return plic


def test_the_lowest_number_of_the_highest_priority_is_claimed() -> None:
    plic = plic_with(40, 10, 12)
    plic.store(4 * 12, 4, 3)
    assert [plic.load(SUPERVISOR_CLAIM, 4) for _ in range(4)] == [12, 10, 40, 0]


def test_a_claimed_source_is_quiet_until_it_is_completed() -> None:
    plic = plic_with(10)
    assert plic.load(SUPERVISOR_CLAIM, 4) == 10
    assert plic.best() == 0
    plic.store(SUPERVISOR_CLAIM, 4, 10)
    assert plic.best() == 10  # its line is still up
    plic.set_line(10, False)
    assert plic.best() == 0


@pytest.mark.parametrize(
    ("offset", "value"), [(SUPERVISOR_ENABLE, 0), (SUPERVISOR_THRESHOLD, 1), (4 * 10, 0)]
)
def test_what_is_not_enabled_or_not_above_the_threshold_is_not_seen(offset: int, value: int) -> None:
    plic = plic_with(10)
    plic.store(offset, 4, value)
    assert plic.load(SUPERVISOR_CLAIM, 4) == 0
    assert plic.load(0x1000, 4) == 1 << 10  # but pending


def test_machine_mode_has_its_own_enables() -> None:
    plic = plic_with(10)
    assert plic.best(0) == 0
    plic.store(0x2000, 4, 1 << 10)
    assert plic.load(0x20_0004, 4) == 10


def test_source_0_and_sources_beyond_the_last_do_not_exist() -> None:
    plic = Plic()
    for source in (0, 97, 127):
        plic.store(4 * source, 4, 7)
        assert plic.load(4 * source, 4) == 0
    plic.store(SUPERVISOR_ENABLE, 4, 0xFFFF_FFFF)
    assert plic.load(SUPERVISOR_ENABLE, 4) == 0xFFFF_FFFE
    plic.store(SUPERVISOR_ENABLE + 12, 4, 0xFFFF_FFFF)
    assert plic.load(SUPERVISOR_ENABLE + 12, 4) == 1


class Line:
    def __init__(self) -> None:
        self.up = False
        self.sent = bytearray()

    def uart(self) -> Uart:
        return Uart(self.sent.append, self.set)

    def set(self, up: bool) -> None:
        self.up = up


def test_the_receiver_interrupts_while_there_is_input() -> None:
    line = Line()
    uart = line.uart()
    uart.receive(b"ab")
    assert not line.up and uart.load(5, 1) & 1
    uart.store(1, 1, 1)
    assert line.up and uart.load(2, 1) & 15 == 4
    assert [uart.load(0, 1), line.up] == [ord("a"), True]
    assert [uart.load(0, 1), line.up] == [ord("b"), False]
    assert uart.load(5, 1) & 1 == 0 and uart.load(2, 1) & 1 == 1


def test_the_transmitter_interrupts_when_it_is_empty_again() -> None:
    line = Line()
    uart = line.uart()
    uart.store(1, 1, 2)
    assert line.up and uart.load(2, 1) & 15 == 2  # it is empty already; reading takes the interrupt back
    assert not line.up
    uart.store(0, 1, ord("x"))
    assert line.up and line.sent == b"x"
    uart.store(1, 1, 0)
    assert not line.up


def test_the_divisor_latch_hides_data_and_interrupt_enable() -> None:
    line = Line()
    uart = line.uart()
    uart.store(3, 1, 0x83)
    uart.store(0, 1, 12)
    uart.store(1, 1, 7)
    assert (uart.load(0, 1), uart.load(1, 1), line.sent) == (12, 7, b"")
    uart.store(3, 1, 0x03)
    assert uart.load(1, 1) == 0


@pytest.mark.parametrize(("value", "status"), [(0x5555, 0), (0x7777, 0), (0x3333, 0), (0x0007_3333, 7)])
def test_the_test_device_ends_the_machine(value: int, status: int) -> None:
    ends: list[int] = []
    TestDevice(ends.append).store(0, 4, value)
    assert ends == [status]


def test_the_test_device_ignores_other_values() -> None:
    ends: list[int] = []
    TestDevice(ends.append).store(0, 4, 0x1234)
    TestDevice(ends.append).store(4, 4, 0x5555)
    assert ends == []


def test_the_clock_latches_its_high_half() -> None:
    times = iter([0x1_FFFF_FFFF, 0x2_0000_0000])
    clock = RealTimeClock(lambda: next(times))
    assert (clock.load(0, 4), clock.load(4, 4)) == (0xFFFF_FFFF, 1)


def test_an_empty_slot_says_that_it_is_one() -> None:
    slot = EmptyVirtioSlot()
    assert slot.load(0, 4).to_bytes(4, "little") == b"virt"
    assert slot.load(8, 4) == 0


def test_the_bus_finds_the_device_or_says_that_there_is_none() -> None:
    bus = Bus()
    bus.attach(0x1000, EmptyVirtioSlot())
    assert bus.load(0x1004, 4) == 1
    assert bus.load(0x1000, 1) == ord("v")
    assert bus.load(0x1000, 8).to_bytes(8, "little") == b"virt\1\0\0\0"
    for address, size in ((0x1200, 4), (0xFFF, 1), (0x11FF, 2)):
        with pytest.raises(NoDevice, match=f"{address:#x} to {size} bytes"):
            bus.load(address, size)


@pytest.mark.parametrize("device", [
    Plic(), Line().uart(), TestDevice(lambda status: None), RealTimeClock(lambda: 1), EmptyVirtioSlot()
])  # fmt: skip
def test_a_device_answers_every_access_that_reaches_it(device: Device) -> None:
    """Whatever a program does to its registers, nothing but NoDevice comes out."""
    bus = Bus()
    bus.attach(0, device)
    reached = set()
    for offset in range(min(device.span, 0x3000) + 8):
        for size in (1, 2, 4, 8):
            for value in (0, (1 << 8 * size) - 1):
                try:
                    bus.store(offset, size, value)
                    assert 0 <= bus.load(offset, size) < 1 << 8 * size
                    reached.add(size)
                except NoDevice:
                    assert size not in device.sizes or offset + size > device.span
    assert reached == set(device.sizes)
