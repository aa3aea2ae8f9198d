"""CNodes: tables of capabilities, of which capability spaces are built.

Operations on slots. The CNode that is invoked is the one of the slot to be changed; the other end of a copy
or move is passed along as a capability. A copy is a child of its original: `revoke` on the original takes all
children away, wherever they have gone in the meantime.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.metal import u64

from .capability import Place
from .invocation import invoke, pass_cap
from .process import set_word


def revoke(place: Place) -> None:
    """Delete every capability that was derived from the one in this slot, and what lives only by them."""
    invoke(place.root, Label.CNODE_REVOKE, 2, place.index, place.depth)


def delete(place: Place) -> None:
    """Empty the slot. An object dies with its last capability."""
    invoke(place.root, Label.CNODE_DELETE, 2, place.index, place.depth)


def cancel_badged_sends(place: Place) -> None:
    """Send everyone home who waits to send by a capability with the badge of the one in this slot."""
    invoke(place.root, Label.CNODE_CANCEL_BADGED_SENDS, 2, place.index, place.depth)


def copy(to: Place, source: Place, rights: CapRights) -> None:
    """Put a copy of `source`, with no more than `rights`, into the empty slot `to`."""
    pass_cap(0, source.root)
    set_word(4, rights.bits)
    invoke(to.root, Label.CNODE_COPY, 5, to.index, to.depth, source.index, source.depth, caps=1)


def mint(to: Place, source: Place, rights: CapRights, badge: u64) -> None:
    """A copy that carries `badge`: whoever receives from it learns the badge. For a CNode, its guard."""
    pass_cap(0, source.root)
    set_word(4, rights.bits)
    set_word(5, badge)
    invoke(to.root, Label.CNODE_MINT, 6, to.index, to.depth, source.index, source.depth, caps=1)


def move(to: Place, source: Place) -> None:
    """Take the capability from `source` to the empty slot `to`."""
    pass_cap(0, source.root)
    invoke(to.root, Label.CNODE_MOVE, 4, to.index, to.depth, source.index, source.depth, caps=1)


def mutate(to: Place, source: Place, badge: u64) -> None:
    """Move, and give it `badge` on the way."""
    pass_cap(0, source.root)
    set_word(4, badge)
    invoke(to.root, Label.CNODE_MUTATE, 5, to.index, to.depth, source.index, source.depth, caps=1)


def rotate(to: Place, to_badge: u64, pivot: Place, pivot_badge: u64, source: Place) -> None:
    """Move pivot to `to`, and source to pivot, in one step; each gets a badge if the one given is not 0."""
    pass_cap(0, pivot.root)
    pass_cap(1, source.root)
    set_word(4, pivot.depth)
    set_word(5, pivot_badge)
    set_word(6, source.index)
    set_word(7, source.depth)
    invoke(to.root, Label.CNODE_ROTATE, 8, to.index, to.depth, to_badge, pivot.index, caps=2)
