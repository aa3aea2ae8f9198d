"""Which memory objects take: every extent in the census, by capabilities and by the kernel's own objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from pith.kernel import state
from pith.kernel.capability import region_of
from pith.kernel.objects import Cap, Slot, ZombieCap
from pith.kernel.riscv64.window import WINDOW_BASE
from pith.metal import Struct, size_of

from .census import Census


class Extent(NamedTuple):
    """Physical memory base..end-1, and what it is used as."""

    base: int
    end: int
    kind: str

    def covers(self, other: Extent) -> bool:
        return self.base <= other.base and other.end <= self.end

    def meets(self, other: Extent) -> bool:
        return self.base < other.end and other.base < self.end

    def __str__(self) -> str:
        return f"{self.kind} at {self.base:#x}..{self.end:#x}"


def extent_of(cap: Cap) -> Extent | None:
    """The memory of what the capability designates; None if it designates none.

    What is left of a CNode or thread being torn down counts as that CNode or thread.
    """
    key = cap.bits, WINDOW_BASE
    if key not in _known:  # many rules ask, after every kernel entry, and nearly always the same
        if len(_known) == MANY:
            _known.clear()
        _known[key] = _work_out(cap)
    return _known[key]


MANY: Final = 1 << 16
_known: dict[tuple[int, int], Extent | None] = {}


def _work_out(cap: Cap) -> Extent | None:
    region = region_of(cap)
    if region.size == 0:
        return None
    kind = type(cap).__name__.removesuffix("Cap")
    if isinstance(cap, ZombieCap):
        kind = "Thread" if cap.is_thread else "CNode"
    return Extent(region.start, region.start + region.size, kind)


def extents(census: Census) -> list[tuple[Slot, Cap, Extent]]:
    """The extent of every capability's object, with the slot; for `once`."""
    found = ((census.slots[address], cap, extent_of(cap)) for address, cap in census.caps.items())
    return [(slot, cap, extent) for slot, cap, extent in found if extent is not None]


def own_extents() -> Iterator[Extent]:
    """The memory of the kernel's own: its statics, the idle thread, the root of its address space."""
    own: list[Struct | None] = [state.kernel, state.interrupts, state.kernel.idle, state.kernel.kernel_root]
    for item in own:
        if item is not None:
            base = item.address - WINDOW_BASE
            yield Extent(base, base + size_of(type(item)), f"the kernel's {type(item).__name__}")
