"""Address space identifiers: the hardware's short names for address spaces, handed out from pools of 512."""

from __future__ import annotations

from pith.abi.labels import Label

from .capability import CPtr, Place
from .invocation import invoke, pass_cap


def make_pool(control: CPtr, untyped: CPtr, to: Place) -> None:
    """Turn a 4 KiB untyped into a pool; its capability goes to the slot `to`."""
    pass_cap(0, untyped)
    pass_cap(1, to.root)
    invoke(control, Label.ASID_CONTROL_MAKE_POOL, 2, to.index, to.depth, caps=2)


def assign(pool: CPtr, vspace: CPtr) -> None:
    """Give a page table an identifier from the pool: it is the root of an address space from now on."""
    pass_cap(0, vspace)
    invoke(pool, Label.ASID_POOL_ASSIGN, caps=1)
