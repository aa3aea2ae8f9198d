"""The window: all physical memory, seen by the kernel at one fixed distance.

The kernel's page table maps the lower 256 GiB of physical addresses from 0xffffffc000000000 on, so that
turning one kind of address into the other is an addition; the window's base has none of a physical address's bits,
so that it is also an `or`, which cannot overflow. Only the kernel's own image is linked elsewhere,
at 0xffffffff80200000; `in_window` is where the window shows what lies in it.
"""

from __future__ import annotations

from typing import Final

from pith.metal import u40, u64

WINDOW_BASE: Final = 0xFFFF_FFC0_0000_0000
WINDOW_BYTES: Final = 1 << 38
IMAGE_OFFSET: Final = 0xFFFF_FFFF_0000_0000  # of the kernel image: virtual less physical
IMAGE_BASE: Final = 0x8000_0000  # physical; the gigabyte that the kernel's image lies in
GIGABYTE: Final = 1 << 30


def window_of(physical: u40) -> u64:
    """Where the kernel sees the byte at `physical`."""
    return WINDOW_BASE | physical & (WINDOW_BYTES - 1)


def physical_of(address: u64) -> u40:
    """The physical address of the byte that the kernel sees at `address`, which lies in the window."""
    return (address ^ WINDOW_BASE) & (WINDOW_BYTES - 1)


def in_window(address: u64) -> u64:
    """Where the window shows what lies at `address` in the kernel's image.

    The image and its place in the window are whole gigabytes apart. On the hosted machine they are one.
    """
    return WINDOW_BASE | IMAGE_BASE | address & (GIGABYTE - 1)
