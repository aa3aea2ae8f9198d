"""Untyped memory: its size, its place, its watermark."""

from __future__ import annotations

from collections.abc import Iterator

from pith.abi.objects import MAX_UNTYPED_BITS, MIN_UNTYPED_BITS
from pith.kernel.objects import FrameCap, UntypedCap

from .census import Census, Violation
from .extent import extents
from .family import read_family


def untypeds_are_aligned(census: Census) -> Iterator[Violation]:
    """An untyped's size is one that the interface allows, and its base a multiple of it."""
    for slot, cap in census.slots_with(UntypedCap):
        if not MIN_UNTYPED_BITS <= cap.size_bits <= MAX_UNTYPED_BITS:
            found = f"2**{cap.size_bits} bytes"
            expected = f"2**{MIN_UNTYPED_BITS} to 2**{MAX_UNTYPED_BITS}"
            yield Violation(census.slot_name(slot), found, expected)
        elif cap.base % (1 << cap.size_bits):
            yield Violation(
                census.slot_name(slot), f"base {cap.base:#x}", f"a multiple of 2**{cap.size_bits}"
            )


def watermarks_lie_inside(census: Census) -> Iterator[Violation]:
    """An untyped's watermark is no more than its size."""
    for slot, cap in census.slots_with(UntypedCap):
        if cap.watermark > 1 << cap.size_bits:
            found = f"watermark {cap.watermark:#x}"
            yield Violation(census.slot_name(slot), found, f"at most {1 << cap.size_bits:#x}")


def objects_are_aligned(census: Census) -> Iterator[Violation]:
    """An object made of an untyped lies at a multiple of its size."""
    parents = census.once(read_family).parents
    for slot, _, extent in census.once(extents):
        size = extent.end - extent.base
        if slot.address in parents and extent.base % size:
            yield Violation(census.slot_name(slot), str(extent), f"a base that is a multiple of {size:#x}")


def device_memory_holds_frames_only(census: Census) -> Iterator[Violation]:
    """Of device memory come device frames and device untypeds, of other memory none of them."""
    family = census.once(read_family)
    for slot, cap, _ in census.once(extents):
        is_device = isinstance(cap, FrameCap | UntypedCap) and cap.is_device
        for ancestor in family.ancestors(slot):
            source = ancestor.cap
            if isinstance(source, UntypedCap):
                if source.is_device != is_device:
                    found = f"{'device' if is_device else 'other'} memory"
                    expected = f"as its untyped, {census.slot_name(ancestor)}"
                    yield Violation(census.slot_name(slot), found, expected)
                break


RULES = (untypeds_are_aligned, watermarks_lie_inside, objects_are_aligned, device_memory_holds_frames_only)
