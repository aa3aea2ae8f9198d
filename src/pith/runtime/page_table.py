"""Page tables. The root one of an address space must first be given an ASID (asid.py); it is the "VSpace"."""

from __future__ import annotations

from pith.abi.labels import Label
from pith.metal import u64

from .capability import CPtr
from .invocation import invoke, pass_cap


def map(table: CPtr, vspace: CPtr, address: u64, attributes: u64 = 0) -> None:
    """Hang the table in at the highest level that still lacks one on the way to `address`."""
    pass_cap(0, vspace)
    invoke(table, Label.PAGE_TABLE_MAP, 2, address, attributes, caps=1)


def unmap(table: CPtr) -> None:
    """Take the table, and all below it, out of its address space."""
    invoke(table, Label.PAGE_TABLE_UNMAP)
