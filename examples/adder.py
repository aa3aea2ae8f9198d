"""A server that adds: the second program of examples/two_programs.py, in an address space of its own.

What it may touch is in its slots, and its supervisor put it there; it knows of nobody else. Each request is answered to
whoever called. When it is told that no more will come it returns, and the runtime reports that to the supervisor.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.messages import MessageInfo
from pith.metal import export, u64
from pith.runtime.syscalls import recv, reply_recv

ONE_WORD: Final = MessageInfo(length=1)
LARGEST: Final = (1 << 64) - 1


class AdderSlot(IntEnum):
    """The adder's capabilities: what its supervisor must give it. Slot 1 is the supervisor, always."""

    REQUESTS = 2  # an endpoint
    REPLY = 3  # a reply object, which the kernel ties to whoever calls


class AdderCall(IntEnum):
    """What it may be asked: the labels of requests. Those below 16 are the kernel's."""

    ADD = 16  # two words; the answer: their sum
    LEAVE = 17


@export("pith_main")
def main() -> None:
    message = recv(AdderSlot.REQUESTS, AdderSlot.REPLY)
    while message.info.label != AdderCall.LEAVE:
        total: u64 = (message.word0 + message.word1) & LARGEST
        message = reply_recv(AdderSlot.REQUESTS, AdderSlot.REPLY, ONE_WORD, total)
