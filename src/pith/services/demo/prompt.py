"""The prompt: a line is typed, edited, and carried out. Arrow up and down bring back the last few lines."""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Struct, array, machine, static, u8, u16, u32, u64
from pith.runtime.component import State
from pith.runtime.console import flush, put_byte, write, write_bytes
from pith.runtime.endpoint import request
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import PoolEmpty
from pith.runtime.voice import BOLD, PLAIN, YELLOW, begin

from .measure import measure
from .parts import POWER, Part, make_faulty, system
from .server import ServerCall
from .tables import show_capabilities, show_components, show_memory
from .watch import next_byte, wait_for

LINE_BYTES: Final = 512
LINES: Final = 8  # that are remembered
RETURN: Final = 13
NEWLINE: Final = 10
BACKSPACE: Final = 8
DELETE: Final = 127
KILL_LINE: Final = 21  # control-U
ESCAPE: Final = 27
UP: Final = 0x100  # keys that are no byte
DOWN: Final = 0x101
OTHER: Final = 0x102
BELL: Final = 7
PASS: Final = 0x5555
FAIL: Final = 0x3333


class Line(Struct):
    """The line that is being typed."""

    length: u64
    text: Array[u8] = array(LINE_BYTES)


class History(Struct):
    """The last lines: number n is at n % LINES."""

    count: u64
    lines: Array[Line] = array(LINES)


line: Final = static(Line)
history: Final = static(History)


def serve_prompt() -> None:
    """Read lines and carry them out, for ever; `halt` ends the machine."""
    while True:
        write(BOLD)
        write("pith> ")
        write(PLAIN)
        read_line()
        write("\n")
        try:
            carry_out()
        except InvocationFailed as failure:
            write(f"  the kernel refused operation {int(failure.operation)}: error {failure.code}\n")
        except PoolEmpty:
            write("  no memory is left for that\n")


def read_line() -> None:
    """Gather what is typed up to Return, and show it as it comes."""
    line.length = 0
    shown: u64 = history.count  # which line: the newest is not remembered yet
    while True:
        key = next_key()
        if key in (RETURN, NEWLINE):
            remember()
            return
        if key in (BACKSPACE, DELETE):
            rub_out(1)
        elif key == KILL_LINE:
            rub_out(line.length)
        elif key == UP and shown > 0 and shown + LINES > history.count:
            shown -= 1
            recall(shown)
        elif key == DOWN and shown < history.count:
            shown += 1
            recall(shown)
        elif 32 <= key < 127:
            add(key)


def next_key() -> u16:
    """The next key: a byte; or UP, DOWN or OTHER for one that a terminal sends as an escape sequence.

    ECMA-48, section 5.4: `ESC [`, parameters, a last byte from `@` on; some terminals send `ESC O` and a letter.
    """
    byte = next_byte()
    if byte != ESCAPE:
        return byte
    byte = next_byte()
    if byte != ord("[") and byte != ord("O"):
        return byte
    byte = next_byte()
    while ord(" ") <= byte < ord("@"):
        byte = next_byte()
    if byte == ord("A"):
        return UP
    if byte == ord("B"):
        return DOWN
    return OTHER if byte >= ord("@") else byte  # a control character ends what was no sequence


def add(byte: u8) -> None:
    """Put a character at the line's end, or ring when there is no room for it."""
    if line.length == LINE_BYTES:
        put_byte(BELL)
        return
    line.text[line.length] = byte
    line.length += 1
    put_byte(byte)


def remember() -> None:
    """Keep the line for later; not an empty one, which would only be in the way."""
    if line.length != 0:
        copy(history.lines[history.count % LINES], line)
        history.count += 1


def recall(number: u64) -> None:
    """Show a remembered line in place of what was typed; one that is not yet remembered is empty."""
    rub_out(line.length)
    if number < history.count:
        copy(line, history.lines[number % LINES])
        write_bytes(line.text.part(0, line.length))


def copy(into: Line, source: Line) -> None:
    into.length = source.length
    for i in range(source.length):
        into.text[i] = source.text[i]


def rub_out(count: u64) -> None:
    """Take back the last `count` characters, here and on the screen."""
    for _ in range(min(count, line.length)):
        line.length -= 1
        write("\b \b")


def typed(word: str) -> bool:
    """Whether the line is this word, but for spaces around it."""
    start: u64 = 0
    while start < line.length and line.text[start] == ord(" "):
        start += 1
    end: u64 = line.length
    while end > start and line.text[end - 1] == ord(" "):
        end -= 1
    if end - start != len(word):
        return False
    for i in range(len(word)):
        if line.text[start + i] != ord(word[i]):
            return False
    return True


def carry_out() -> None:
    """Do what the line says."""
    if typed(""):
        return
    if typed("ps"):
        show_components()
    elif typed("caps"):
        show_capabilities()
    elif typed("mem"):
        show_memory()
    elif typed("ipc"):
        measure()
    elif typed("fault"):
        run_faulty()
    elif typed("help"):
        show_help()
    elif typed("halt"):
        write("  Good bye.\n")
        flush()
        power_off(0)
    else:
        write('  There is no command "')
        write_bytes(line.text.part(0, line.length))
        write('". Type help to see what there is.\n')


def show_help() -> None:
    """The commands."""
    write("  ps     the programs: what they do, and the time and memory they use\n")
    write("  caps   the capabilities of each: all that it may touch\n")
    write("  mem    where the machine's memory is\n")
    write("  ipc    what a call from one program to another costs, in instructions\n")
    write("  fault  start a program that makes a mistake, and see what becomes of it\n")
    write("  halt   switch the machine off\n")


def run_faulty() -> None:
    """Start the faulty component, watch it end, and see that a neighbour still answers."""
    begin("initial", YELLOW)
    write('I start "faulty": a C program that reads memory it does not have.\n')
    make_faulty()
    wait_for(Part.FAULTY, State.FINISHED)
    begin("initial", YELLOW)
    answer = request(system.server, ServerCall.ADD_ONE, 1).word0
    write(f"I ask server what 1 and 1 is. It answers {answer}: the others go on.\n")


def power_off(code: u32) -> None:
    """End the machine, with an exit status: the board's test device does that when written to."""
    if code == 0:
        machine.device_store32(POWER, PASS)
    else:
        machine.device_store32(POWER, (code & 0xFFFF) << 16 | FAIL)
    while True:
        machine.fence()
