"""The bus: which device answers at a physical address.

A device has registers, read and written at an offset from its base. Who drives it, a user program through a mapped frame or
the kernel through its window, makes no difference to it. Behind its registers, and in widths that it does not know, nothing
answers, as on QEMU's board: user code gets an access fault there.
"""

from typing import Protocol


class Device(Protocol):
    """Something with registers."""

    @property
    def span(self) -> int:
        """How many bytes of them there are."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """In which sizes they can be accessed, of 1, 2, 4 and 8 bytes."""

    def load(self, offset: int, size: int) -> int: ...
    def store(self, offset: int, size: int, value: int) -> None: ...


class NoDevice(Exception):
    """Nothing answers at this address."""


class Bus:
    """The devices and where they are."""

    def __init__(self) -> None:
        self.devices: list[tuple[int, Device]] = []

    def attach(self, base: int, device: Device) -> None:
        self.devices.append((base, device))

    def find(self, address: int, size: int) -> tuple[Device, int]:
        """The device that answers an access, and the offset in it. Raises NoDevice."""
        for base, device in self.devices:
            if base <= address and address + size <= base + device.span and size in device.sizes:
                return device, address - base
        raise NoDevice(f"no device answers at {address:#x} to {size} bytes")

    def load(self, address: int, size: int) -> int:
        """What a register holds, `size` bytes of it. Raises NoDevice."""
        device, offset = self.find(address, size)
        return device.load(offset, size) & (1 << 8 * size) - 1

    def store(self, address: int, size: int, value: int) -> None:
        """Write `size` bytes. Raises NoDevice."""
        device, offset = self.find(address, size)
        device.store(offset, size, value)
