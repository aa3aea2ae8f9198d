"""Endpoints: where a sender and a receiver meet. Whoever comes first waits for the other.

The calls themselves are in syscalls.py. Here: capabilities that travel in messages. A receiver names one
empty slot beforehand; the first capability of the next message lands there. If the sender's capability is one
to this very endpoint, the kernel shows its badge instead ("unwraps" it): that is how a server recognises what
it once gave out.
"""

from __future__ import annotations

from pith.abi.messages import MessageInfo
from pith.metal import u52, u64

from .capability import CPtr, Place
from .invocation import pass_cap
from .process import ipc_buffer
from .syscalls import Message, call


def receive_into(place: Place) -> None:
    """Let the first capability of messages that arrive from now on go to this slot, which must be empty."""
    buffer = ipc_buffer()
    buffer.receive_cnode = place.root
    buffer.receive_index = place.index
    buffer.receive_depth = place.depth


def request(endpoint: CPtr, label: u52, word0: u64 = 0, word1: u64 = 0, word2: u64 = 0) -> Message:
    """Call a server: ask for the operation `label` with three words."""
    return call(endpoint, MessageInfo(length=3, label=label), word0, word1, word2)


def request_with_cap(endpoint: CPtr, label: u52, cap: CPtr, word0: u64 = 0) -> Message:
    """Call a server, and hand it a copy of the capability `cap`."""
    pass_cap(0, cap)
    return call(endpoint, MessageInfo(length=1, extra_caps=1, label=label), word0)
