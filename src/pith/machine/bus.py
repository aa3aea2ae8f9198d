"""The bus: which device answers at a physical address.

A device has registers, read and written at an offset from its base. Who drives it, a user program through a mapped frame or
the kernel through its window, makes no difference to it.
"""

from typing import Protocol

from .board import Region


class Device(Protocol):
    """Something with registers. Sizes are 1, 2, 4 or 8 bytes."""

    def load(self, offset: int, size: int) -> int: ...
    def store(self, offset: int, size: int, value: int) -> None: ...


class NoDevice(Exception):
    """Nothing answers at this address."""


class Bus:
    """The devices and where they are."""

    def __init__(self) -> None:
        self.devices: list[tuple[Region, Device]] = []

    def attach(self, region: Region, device: Device) -> None:
        self.devices.append((region, device))

    def find(self, address: int) -> tuple[Device, int]:
        """The device at a physical address, and the offset in it."""
        for region, device in self.devices:
            if region.base <= address < region.end:
                return device, address - region.base
        raise NoDevice(f"no device answers at {address:#x}")

    def load(self, address: int, size: int) -> int:
        device, offset = self.find(address)
        return device.load(offset, size)

    def store(self, address: int, size: int, value: int) -> None:
        device, offset = self.find(address)
        device.store(offset, size, value)
