"""The prompt: a line is typed, edited, and carried out."""

from __future__ import annotations

from typing import Final

from pith.metal import Array, Struct, array, machine, static, u8, u32, u64
from pith.runtime.component import State
from pith.runtime.console import flush, write, write_bytes
from pith.runtime.endpoint import request
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import PoolEmpty
from pith.runtime.voice import BOLD, PLAIN, YELLOW, begin

from .measure import measure
from .parts import POWER, Part, make_faulty, system
from .server import ServerCall
from .tables import show_capabilities, show_components, show_memory
from .watch import next_byte, wait_for

LINE_BYTES: Final = 64
RETURN: Final = 13
NEWLINE: Final = 10
BACKSPACE: Final = 8
DELETE: Final = 127
KILL_LINE: Final = 21  # control-U
PASS: Final = 0x5555
FAIL: Final = 0x3333


class Line(Struct):
    """The line that is being typed."""

    length: u64
    text: Array[u8] = array(LINE_BYTES)


line: Final = static(Line)


def serve_prompt() -> None:
    """Read lines and carry them out, for ever; `halt` ends the machine."""
    while True:
        write(BOLD)
        write("pith> ")
        write(PLAIN)
        flush()
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
    while True:
        byte = next_byte()
        if byte in (RETURN, NEWLINE):
            return
        if byte in (BACKSPACE, DELETE):
            rub_out(1)
        elif byte == KILL_LINE:
            rub_out(line.length)
        elif 32 <= byte < 127 and line.length < LINE_BYTES:
            line.text[line.length] = byte
            line.length += 1
            write_bytes(line.text.part(line.length - 1, 1))
        flush()


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
