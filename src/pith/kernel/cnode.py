"""CNodes: invocations that copy, move and delete the capabilities in them.

Each names slots by an address and a depth below a root; the invoked CNode is the root of the destination.
Nothing changes until all arguments are checked.

Manual: "CNode Methods"; interface `seL4_CNode`.
"""

from __future__ import annotations

from pith.abi.errors import LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import CapRights
from pith.metal import u7, u64

from . import endpoint
from .capability import derive, mask_rights, with_data
from .cspace import ensure_empty, insert, lookup_in, move, swap
from .derivation import delete, revoke
from .errors import FailedLookup, IllegalOperation
from .message import Invocation, argument, extra_slot, require
from .objects import Cap, CNodeCap, EndpointCap, NullCap, Slot


def invoke(cap: CNodeCap, call: Invocation) -> u7:
    """All invocations begin with (index, depth) of the slot that they are about."""
    if not Label.CNODE_REVOKE <= call.label <= Label.CNODE_ROTATE:
        raise IllegalOperation()
    require(call, words=2, caps=0)
    slot = lookup_in(cap, argument(call, 0), argument(call, 1), is_source=False)
    match call.label:
        case Label.CNODE_REVOKE:
            revoke(slot)
        case Label.CNODE_DELETE:
            delete(slot)
        case Label.CNODE_CANCEL_BADGED_SENDS:
            _cancel_badged_sends(slot.cap)
        case Label.CNODE_ROTATE:
            _rotate(slot, call)
        case _:
            _transfer(slot, call)
    return 0


def _cancel_badged_sends(cap: Cap) -> None:
    """Of an endpoint capability with all rights; without a badge there is nothing to do."""
    match cap:
        case EndpointCap(can_send=True, can_receive=True, can_grant=True, can_grant_reply=True):
            if cap.badge:
                endpoint.cancel_badged_sends(cap.endpoint, cap.badge)
        case _:
            raise IllegalOperation()


def _transfer(destination: Slot, call: Invocation) -> None:
    """Copy, Mint, Move or Mutate(destination, source, and what may change on the way)."""
    require(call, words=4, caps=1)
    ensure_empty(destination)
    source = lookup_in(extra_slot(call, 0).cap, argument(call, 2), argument(call, 3), is_source=True)
    _ensure_full(source, is_source=True, depth=argument(call, 3))
    match call.label:
        case Label.CNODE_COPY:
            require(call, words=5, caps=1)
            rights = CapRights.from_bits(argument(call, 4))
            _copy(mask_rights(source.cap, rights), source, destination)
        case Label.CNODE_MINT:
            require(call, words=6, caps=1)
            rights = CapRights.from_bits(argument(call, 4))
            _copy(with_data(mask_rights(source.cap, rights), argument(call, 5), False), source, destination)
        case Label.CNODE_MOVE:
            move(source.cap, source, destination)
        case _:
            require(call, words=5, caps=1)
            move(_possible(with_data(source.cap, argument(call, 4), True)), source, destination)


def _copy(cap: Cap, source: Slot, destination: Slot) -> None:
    insert(_possible(derive(source, cap)), source, destination)


def _possible(cap: Cap) -> Cap:
    """`cap`, unless it came out as null: then the operation cannot be done on this capability."""
    if isinstance(cap, NullCap):
        raise IllegalOperation()
    return cap


def _ensure_full(slot: Slot, is_source: bool, depth: u64) -> None:
    if isinstance(slot.cap, NullCap):
        raise FailedLookup(is_source, LookupFailureKind.MISSING_CAPABILITY, depth, 0, 0)


def _rotate(destination: Slot, call: Invocation) -> None:
    """Rotate(destination, destination data, pivot, pivot data, source): source to pivot, pivot to destination."""
    require(call, words=8, caps=2)
    pivot_root, source_root = extra_slot(call, 0).cap, extra_slot(call, 1).cap
    pivot_depth, source_depth = argument(call, 4), argument(call, 7)
    source = lookup_in(source_root, argument(call, 6), source_depth, is_source=True)
    pivot = lookup_in(pivot_root, argument(call, 3), pivot_depth, is_source=True)
    if pivot is source or pivot is destination:
        raise IllegalOperation()
    if source is not destination:
        ensure_empty(destination)
    _ensure_full(source, is_source=True, depth=source_depth)
    _ensure_full(pivot, is_source=False, depth=pivot_depth)
    to_destination = with_data(pivot.cap, argument(call, 2), True)
    to_pivot = _possible(with_data(source.cap, argument(call, 5), True))
    to_destination = _possible(to_destination)
    if source is destination:
        swap(source, to_pivot, pivot, to_destination)
    else:
        move(to_destination, pivot, destination)
        move(to_pivot, source, pivot)
