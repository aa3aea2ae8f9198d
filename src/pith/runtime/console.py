"""Printing.

    write(f"the answer is {answer}\\n")

Where the text goes is the program's choice, once: to the debug kernel's own console (how a first program
prints), into a note that is kept until there is somewhere to print it, or to a console server, one line a
message. Columns are counted, so that tables can be aligned (`column`); colours do not count.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.messages import MESSAGE_MAX_LENGTH, MessageInfo
from pith.metal import Array, Struct, array, static, text_sink, u8, u16, u64

from . import debug
from .capability import CPtr
from .process import ipc_buffer
from .syscalls import call_buffer

LINE_BYTES: Final = 8 * (MESSAGE_MAX_LENGTH - 1)
KEPT_BYTES: Final = 8192
NEWLINE: Final = ord("\n")
ESCAPE: Final = 0x1B


class Sink(IntEnum):
    """Where text goes."""

    DEBUG = 0  # byte by byte to the debug kernel
    KEEP = 1  # nowhere yet
    SERVER = 2  # to a console server


class ConsoleCall(IntEnum):
    """What a console server understands: the labels of requests to it."""

    WRITE = 16  # word 0: how many bytes; they follow, eight a word
    READ = 17  # answer: word 0: how many bytes were typed since, at most 24; they follow


class Console(Struct):
    sink: Sink
    server: u64
    used: u64  # bytes in `text`
    column: u16
    in_escape: bool
    text: Array[u8] = array(KEPT_BYTES)
    digits: Array[u8] = array(64)


console: Final = static(Console)


def keep() -> None:
    """Print nothing for now, but forget nothing."""
    console.sink = Sink.KEEP


def use_server(server: CPtr) -> None:
    """Print through a console server from now on, beginning with what was kept."""
    console.sink = Sink.SERVER
    console.server = server
    flush()


def put_number(value: u64, base: u8, width: u8, prefix: bool) -> None:
    """Print a number, padded with zeros to `width` digits, after `0x` if asked."""
    digits = console.digits
    count: u8 = 0
    while value != 0 or count == 0 or count < width:
        digits[count] = digit(value % base)
        value = value // base
        count += 1
    if prefix:
        put_byte(ord("0"))
        put_byte(ord("x"))
    while count > 0:
        count -= 1
        put_byte(digits[count])


def digit(value: u64) -> u8:
    """The character of a digit below 16."""
    if value < 10:
        return ord("0") + value
    assert value < 16
    return ord("a") + value - 10


@text_sink(number=put_number)
def write(text: str) -> None:
    """Print text, or an f-string."""
    for i in range(len(text)):
        put_byte(ord(text[i]))


def write_bytes(text: Array[u8]) -> None:
    """Print bytes up to the first that is zero."""
    for byte in text:
        if byte == 0:
            return
        put_byte(byte)


def column(target: u16) -> None:
    """Fill the line with spaces up to a column; at least one, so that words never run together."""
    put_byte(ord(" "))
    while console.column < target:
        put_byte(ord(" "))


def right(value: u64, width: u16) -> None:
    """Print a number at the right end of `width` columns."""
    length: u16 = 1
    rest = value
    while rest >= 10:
        rest = rest // 10
        length += 1
    while length < width:
        put_byte(ord(" "))
        length += 1
    put_number(value, 10, 0, False)


def put_byte(byte: u8) -> None:
    """Print one byte."""
    count_column(byte)
    if console.sink is Sink.DEBUG:
        debug.put_char(byte)
        return
    limit = KEPT_BYTES if console.sink is Sink.KEEP else LINE_BYTES
    if console.used >= limit:
        flush()
    if console.used < limit:  # a note that is full loses the rest
        console.text[console.used] = byte
        console.used += 1
    if byte == NEWLINE:
        flush()


def count_column(byte: u8) -> None:
    """Colours (ESC ... m) take no column."""
    if byte == NEWLINE:
        console.column = 0
    elif byte == ESCAPE:
        console.in_escape = True
    elif console.in_escape:
        console.in_escape = byte != ord("m")
    elif console.column < 1000:
        console.column += 1


def flush() -> None:
    """Send what has gathered to the server, in messages as long as messages can be."""
    if console.sink is not Sink.SERVER:
        return
    sent: u64 = 0
    while sent < console.used:
        count = min(console.used - sent, LINE_BYTES)
        send_text(console.text.part(sent, count))
        sent += count
    console.used = 0


def send_text(text: Array[u8]) -> None:
    """One message to the console server."""
    words = ipc_buffer().words
    words[0] = len(text)
    into = Array[u8].at(words.address + 8, LINE_BYTES)
    for i in range(len(text)):
        into[i] = text[i]
    call_buffer(console.server, MessageInfo(length=1 + (len(text) + 7) // 8, label=ConsoleCall.WRITE))


def spill() -> None:
    """Before last words: what was kept for a server that is not there goes to the debug kernel's console."""
    if console.sink is Sink.KEEP:
        console.sink = Sink.DEBUG
        for i in range(console.used):
            debug.put_char(console.text[i])
