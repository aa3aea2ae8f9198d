"""A client: calls the server with a number, then hands it a page and a bell.

The page is mapped here already; what goes to the server is a second capability to the same frame. Until then the two
programs have no memory in common, and afterwards exactly this page.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.metal import Array, export, u8
from pith.runtime import notification
from pith.runtime.console import use_server, write, write_bytes
from pith.runtime.endpoint import request, request_with_cap
from pith.runtime.process import WINDOW
from pith.runtime.voice import BLUE, begin

from .server import ServerCall

GREETING: Final = "hello from an isolated world"


class ClientSlot(IntEnum):
    """The client's capabilities."""

    CONSOLE = 2
    SERVER = 3
    PAGE = 4  # the frame that is mapped at WINDOW
    BELL = 5


@export("pith_main")
def main() -> None:
    use_server(ClientSlot.CONSOLE)
    answer = request(ClientSlot.SERVER, ServerCall.ADD_ONE, 41).word0
    say("I call the server with the number 41. ")
    write(f"It answers {answer}.\n")
    put_greeting()
    say('I write "')
    write(GREETING)
    write('" into a page of mine, and hand the page to the server.\n')
    request_with_cap(ClientSlot.SERVER, ServerCall.LEND_PAGE, ClientSlot.PAGE)
    request_with_cap(ClientSlot.SERVER, ServerCall.LEND_BELL, ClientSlot.BELL)
    request(ClientSlot.SERVER, ServerCall.SHOUT, len(GREETING))
    notification.wait(ClientSlot.BELL)
    say('The bell rang. My page now says "')
    write_bytes(Array[u8].at(WINDOW, len(GREETING)))
    write('".\n')


def say(text: str) -> None:
    """Begin a line of the client's."""
    begin("client", BLUE)
    write(text)


def put_greeting() -> None:
    """Write the greeting into the page."""
    page = Array[u8].at(WINDOW, len(GREETING))
    for i in range(len(GREETING)):
        page[i] = ord(GREETING[i])
