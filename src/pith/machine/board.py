"""QEMU's `virt` board, in numbers: what the hosted machine models and the device tree describes.

Interrupt numbers are the sources of the platform's interrupt controller. Time: the board's clock ticks ten million times
a second, and both machines take an instruction to last a nanosecond (QEMU: `-icount shift=0`), so a tick is a hundred.
"""

from typing import Final, NamedTuple


class Region(NamedTuple):
    """Physical addresses `base`..`base + size - 1`."""

    base: int
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


TEST_DEVICE: Final = Region(0x10_0000, 0x1000)
REAL_TIME_CLOCK: Final = Region(0x10_1000, 0x1000)
CORE_LOCAL_INTERRUPTOR: Final = Region(0x200_0000, 0x1_0000)
INTERRUPT_CONTROLLER: Final = Region(0xC00_0000, 0x60_0000)
SERIAL: Final = Region(0x1000_0000, 0x100)
VIRTIO: Final = tuple(Region(0x1000_1000 + 0x1000 * slot, 0x1000) for slot in range(8))
MEMORY_BASE: Final = 0x8000_0000

REAL_TIME_CLOCK_INTERRUPT: Final = 11
SERIAL_INTERRUPT: Final = 10
VIRTIO_INTERRUPTS: Final = range(1, 9)
INTERRUPT_SOURCES: Final = 96  # numbers 1..96; 0 means none

TICKS_PER_SECOND: Final = 10_000_000
INSTRUCTIONS_PER_TICK: Final = 100

KERNEL_PHYSICAL: Final = 0x8020_0000  # below it lies the firmware
KERNEL_OFFSET: Final = 0xFFFF_FFFF_0000_0000  # the kernel's own addresses, less the physical ones
WINDOW_OFFSET: Final = 0xFFFF_FFC0_0000_0000  # all of physical memory as the kernel sees it

# OpenSBI and QEMU put the device tree on the last 2 MiB boundary that leaves it room below 3 GiB.
DEVICE_TREE_ALIGNMENT: Final = 0x20_0000
DEVICE_TREE_CEILING: Final = 0xC000_0000


def device_tree_address(memory_size: int, tree_size: int) -> int:
    """Where the firmware hands over a device tree of `tree_size` bytes."""
    end = min(MEMORY_BASE + memory_size, DEVICE_TREE_CEILING)
    return (end - tree_size) // DEVICE_TREE_ALIGNMENT * DEVICE_TREE_ALIGNMENT
