"""Untyped memory: the only thing that the kernel's objects are made of.

The initial thread gets capabilities to all free memory as untypeds. Everything else is cut out of one by
`retype`: threads, page tables, frames, smaller untypeds. So the kernel never runs out of memory: whoever
wants an object pays with an untyped of their own. Revoking an untyped (cnode.revoke) destroys all that was
made of it, and the memory is free again.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.metal import u8, u64

from .capability import CPtr
from .invocation import invoke, pass_cap
from .process import set_word


def retype(
    untyped: CPtr,
    type: ObjectType,
    size_bits: u8,
    root: CPtr,
    node_index: u64,
    node_depth: u8,
    node_offset: u64,
    count: u64,
) -> None:
    """Make `count` objects; their capabilities go to the slots from `node_offset` on of a CNode.

    The CNode is `root` itself if `node_depth` is 0, else the one found at `node_index` in it. `size_bits`
    matters for the types that have no fixed size: untyped and scheduling context (bytes), CNode (slots), as a
    power of two.
    """
    pass_cap(0, root)
    set_word(4, node_offset)
    set_word(5, count)
    invoke(untyped, Label.UNTYPED_RETYPE, 6, int(type), size_bits, node_index, node_depth, caps=1)
