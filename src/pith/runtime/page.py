"""Frames of physical memory ("pages"): mapped into address spaces, and shared by mapping copies of the capability."""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.metal import u64

from .capability import CPtr
from .invocation import invoke, pass_cap

EXECUTABLE: Final = 0  # the default attributes
NOT_EXECUTABLE: Final = 1


def map(frame: CPtr, vspace: CPtr, address: u64, rights: CapRights, attributes: u64) -> None:
    """Make the frame appear at `address` of an address space. All page tables on the way must exist."""
    pass_cap(0, vspace)
    invoke(frame, Label.PAGE_MAP, 3, address, rights.bits, attributes, caps=1)


def unmap(frame: CPtr) -> None:
    """Take the frame out of the address space that this capability mapped it into."""
    invoke(frame, Label.PAGE_UNMAP)


def get_address(frame: CPtr) -> u64:
    """The frame's physical address, for devices that read memory themselves."""
    return invoke(frame, Label.PAGE_GET_ADDRESS).word0
