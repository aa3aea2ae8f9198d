"""What builders of static systems believe of a boot: which untypeds an seL4 kernel will give, told beforehand.

Microkit's tool decides at build time where things will lie, by doing what it expects the kernel to do with the memory of the
board, the kernel's image and the user image. So does this, for tests to compare with what the kernel does. Written from the
facts of the tool (2.3), on riscv64 with Sv39.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile

PAGE_BITS, TABLE_BITS, MAX_UNTYPED_BITS = 12, 9, 38
SLOT_BITS, TCB_BITS, SCHED_CONTEXT_BITS = 5, 11, 7
FIXED_SLOTS = 16
PAGE = 1 << PAGE_BITS


class Range(NamedTuple):
    """Addresses start..end-1."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


class Untyped(NamedTuple):
    physical: int
    size_bits: int
    is_device: bool


# The parts of the board that the SDK tells for QEMU's virt with two gigabytes (platform_gen.json).
QEMU_MEMORY = 2 << 30
QEMU_GENERAL = (Range(0x8020_0000, 0x1_0000_0000),)
QEMU_DEVICES = (
    Range(0, 0x200_0000),
    Range(0x220_0000, 0xC00_0000),
    Range(0xC60_0000, 0x8020_0000),
    Range(0x1_0000_0000, 1 << 39),
)


@dataclass(frozen=True)
class KernelImage:
    """What of a kernel's ELF counts: physical addresses."""

    start: int
    boot_end: int
    end: int

    @classmethod
    def of(cls, path: Path) -> KernelImage:
        """By the first loadable segment, and the symbols `ki_boot_end` and `ki_end`."""
        with path.open("rb") as file:
            elf = ELFFile(file)
            first = next(elf.iter_segments("PT_LOAD"))
            table: Any = elf.get_section_by_name(".symtab")

            def physical(name: str) -> int:
                [symbol] = table.get_symbol_by_name(name)
                return int(symbol["st_value"] - first["p_vaddr"] + first["p_paddr"])

            return cls(first["p_paddr"], physical("ki_boot_end"), physical("ki_end"))


class Expected(NamedTuple):
    """The bootinfo's fields as far as they can be told beforehand; slots are numbers of the root CNode's."""

    paging: range
    sched_control: range
    image_frames: range
    untyped_slots: range
    untypeds: list[Untyped]
    objects: Range  # where the boot objects lie


def place(kernel: KernelImage, general: Sequence[Range], size: int) -> Range:
    """Where the user image is put: the first fit behind what boot needs."""
    free = without(general, Range(kernel.start, kernel.end))
    start = next(r.start for r in free if r.start >= kernel.boot_end and r.size >= size)
    return Range(start, start + size)


def expect(
    kernel: KernelImage,
    general: Sequence[Range],
    devices: Sequence[Range],
    user: Range,
    virtual: int,
    root_cnode_bits: int,
) -> Expected:
    """What the kernel will do, without a device tree; `user` is physical, on whole pages, and seen from `virtual` on."""
    space = Range(virtual, virtual + user.size + 2 * PAGE)  # with IPC buffer and bootinfo
    tables = sum(_spanned(space, PAGE_BITS + level * TABLE_BITS) for level in (1, 2))
    pages = 2 + 1 + 1 + tables  # those two, ASID pool, root of the address space
    size = (1 << root_cnode_bits + SLOT_BITS) + pages * PAGE + (1 << TCB_BITS) + (1 << SCHED_CONTEXT_BITS)
    free = without(without(general, Range(kernel.start, kernel.end)), user)
    start = next(
        s for r in reversed(free) if (s := _down(r.end - size, root_cnode_bits + SLOT_BITS)) >= r.start
    )
    objects = Range(start, start + size)
    untypeds = [Untyped(*piece, True) for r in devices for piece in pieces(r)]
    left = [Range(kernel.start, kernel.boot_end), *without(free, objects)]
    untypeds += [Untyped(*piece, False) for r in left for piece in pieces(r)]
    slots = [FIXED_SLOTS]
    for count in (tables, 1, user.size // PAGE, len(untypeds)):
        slots.append(slots[-1] + count)
    return Expected(*(range(*pair) for pair in itertools.pairwise(slots)), untypeds, objects)


def without(ranges: Sequence[Range], hole: Range) -> list[Range]:
    """The ranges less the hole."""
    parts = [
        part
        for r in ranges
        for part in (Range(r.start, min(r.end, hole.start)), Range(max(r.start, hole.end), r.end))
    ]
    return [part for part in parts if part.start < part.end]


def pieces(whole: Range) -> Iterator[tuple[int, int]]:
    """The largest powers of two, each aligned to its size, that make up the range: (start, size as a power)."""
    start = whole.start
    while start < whole.end:
        fits = (whole.end - start).bit_length() - 1
        aligned = (start & -start).bit_length() - 1 if start else MAX_UNTYPED_BITS
        bits = min(fits, aligned, MAX_UNTYPED_BITS)
        yield start, bits
        start += 1 << bits


def _spanned(space: Range, bits: int) -> int:
    """How many tables that each cover so much the range meets."""
    return (space.end - 1 >> bits) - (space.start >> bits) + 1


def _down(address: int, bits: int) -> int:
    return address >> bits << bits
