"""A server without time of its own.

It owns no processor time: each request runs on the time of whoever calls, which the kernel lends along with the call (a
passive server). It shares no memory with anyone, until a client hands it the capability of a page: then it maps the
page, works on it, and rings the client's bell, which is a notification that it was handed, too.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.messages import MessageInfo
from pith.metal import Array, export, u8, u64
from pith.runtime import cnode, notification, page
from pith.runtime.capability import READ_WRITE, Place
from pith.runtime.component import CSPACE_BITS
from pith.runtime.console import use_server, write
from pith.runtime.endpoint import receive_into
from pith.runtime.invocation import InvocationFailed
from pith.runtime.process import WINDOW
from pith.runtime.supervision import SUPERVISOR, SupervisorCall
from pith.runtime.syscalls import Message, nb_send_recv, reply_recv
from pith.runtime.voice import MAGENTA, begin

PAGE_BYTES: Final = 4096


class ServerSlot(IntEnum):
    """The server's capabilities."""

    ENDPOINT = 2  # receives requests
    REPLY = 3
    CONSOLE = 4
    CNODE = 5  # its own capability space, to receive capabilities into
    VSPACE = 6  # its own address space, to map pages into; the page tables for WINDOW exist
    RECEIVED = 7  # where a capability from a message lands
    PAGE = 8  # then it is moved to one of these
    BELL = 9


class ServerCall(IntEnum):
    """What clients may ask: the labels of requests."""

    ADD_ONE = 16  # answer: word 0, plus one
    LEND_PAGE = 17  # with a frame
    LEND_BELL = 18  # with a notification
    SHOUT = 19  # word 0: how many letters in the page to make capitals; rings the bell


REFUSED: Final = MessageInfo(label=1)
DONE: Final = MessageInfo(length=1)


@export("pith_main")
def main() -> None:
    use_server(ServerSlot.CONSOLE)
    receive_into(own(ServerSlot.RECEIVED))
    # Say that we are ready, and wait, in one step: between two, our time might be taken away.
    ready = MessageInfo(label=SupervisorCall.READY)
    message = nb_send_recv(SUPERVISOR, ServerSlot.ENDPOINT, ServerSlot.REPLY, ready)
    while True:
        if message.info.label == ServerCall.ADD_ONE:
            answer = (message.word0 + 1) & 0xFFFF_FFFF_FFFF_FFFF
            message = reply_recv(ServerSlot.ENDPOINT, ServerSlot.REPLY, DONE, answer)
        else:
            try:
                result = serve(message)
                message = reply_recv(ServerSlot.ENDPOINT, ServerSlot.REPLY, DONE, result)
            except InvocationFailed as failure:
                message = reply_recv(ServerSlot.ENDPOINT, ServerSlot.REPLY, REFUSED, failure.code)


def own(slot: ServerSlot) -> Place:
    """A slot of the server's own capability space."""
    return Place(ServerSlot.CNODE, slot, CSPACE_BITS)


def serve(message: Message) -> u64:
    """The requests that are not asked for speed."""
    label = message.info.label
    if label == ServerCall.LEND_PAGE and message.info.extra_caps == 1:
        keep(ServerSlot.PAGE)
        page.map(ServerSlot.PAGE, ServerSlot.VSPACE, WINDOW, READ_WRITE, page.NOT_EXECUTABLE)
        begin("server", MAGENTA)
        write("I was handed a page. Now I see what is in it, and nothing else of its owner's.\n")
    elif label == ServerCall.LEND_BELL and message.info.extra_caps == 1:
        keep(ServerSlot.BELL)
        begin("server", MAGENTA)
        write("I was handed a bell (a notification). I can ring it; I cannot hear it.\n")
    elif label == ServerCall.SHOUT:
        changed = shout(min(message.word0, PAGE_BYTES))
        notification.signal(ServerSlot.BELL)
        begin("server", MAGENTA)
        write(f"I made {changed} letters in the page capitals, and rang the bell.\n")
        return changed
    return 0


def keep(slot: ServerSlot) -> None:
    """Move the capability that has just arrived to its own slot, in place of an earlier one."""
    cnode.delete(own(slot))
    cnode.move(own(slot), own(ServerSlot.RECEIVED))


def shout(length: u64) -> u64:
    """Make capitals of the small letters in the page that was lent; returns how many."""
    text = Array[u8].at(WINDOW, PAGE_BYTES)
    changed: u64 = 0
    for i in range(length):
        byte = text[i]
        if ord("a") <= byte <= ord("z"):
            text[i] = byte - 32
            changed += 1
    return changed
