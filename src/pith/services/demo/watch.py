"""Waiting, in one place, for everything that can happen to the initial thread.

Components report at one endpoint, and so do their faults: the badge says who. What is typed comes as a signal of the
notification that is bound to our thread: the same wait returns, with a badge that no component has. So there is no polling and
no second thread.
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import MessageInfo
from pith.metal import Array, Struct, array, static, u8, u64
from pith.runtime.component import Component, State, supervisor
from pith.runtime.console import ConsoleCall, column, flush, write, write_bytes
from pith.runtime.faults import is_fault, write_fault, write_words
from pith.runtime.process import ipc_buffer
from pith.runtime.supervision import SupervisorCall
from pith.runtime.syscalls import Message, call, recv, words_to_buffer
from pith.runtime.voice import BOLD, TEXT_COLUMN, YELLOW, begin

from .parts import PARTS, TYPED_BADGE, Part, system

CHUNK: Final = 24


class Typed(Struct):
    """Bytes that the driver gave us and the prompt has not used yet."""

    next: u64
    count: u64
    bytes: Array[u8] = array(CHUNK)


typed: Final = static(Typed)


def wait_once() -> None:
    """Wait for one message or signal, and deal with it."""
    message = recv(supervisor.endpoint, system.reply)
    if message.badge & TYPED_BADGE == 0 and 0 < message.badge <= PARTS:
        heard_from(system.parts[message.badge - 1], message)


def wait_for(part: Part, state: State) -> None:
    """Wait until a component is in this state, or dead."""
    component = system.parts[part]
    while component.state is not state and component.state is not State.KILLED:
        wait_once()


def heard_from(component: Component, message: Message) -> None:
    """A component reports, or the kernel reports its fault."""
    if is_fault(message):
        end_of(component, message)
    elif message.info.label == SupervisorCall.FINISHED:
        component.stop()
    elif message.info.label == SupervisorCall.READY:
        component.state = State.READY


def end_of(component: Component, fault: Message) -> None:
    """A component made a mistake: say which, and take it away."""
    begin("kernel", BOLD)
    write("I stop ")
    write_bytes(component.name)
    write(", and send initial a message in its name: it ")
    write_fault(fault)
    write(".\n")
    column(TEXT_COLUMN)
    write_words(fault)
    write("\n")
    objects = component.pool.slots_used()
    used = component.pool.used
    component.kill()
    begin("initial", YELLOW)
    write(f"I revoke its memory: {objects} capabilities are gone, {used // 1024} KiB are free again.\n")


def next_byte() -> u8:
    """The next byte that was typed; until there is one, whatever else happens is dealt with."""
    while typed.next == typed.count:
        fetch()
        if typed.count == 0:
            wait_once()
    byte = typed.bytes[typed.next]
    typed.next += 1
    return byte


def fetch() -> None:
    """Show what was said, and ask the driver for what was typed since; perhaps nothing."""
    flush()
    answer = call(system.console, MessageInfo(label=ConsoleCall.READ))
    words_to_buffer(answer)
    received = Array[u8].at(ipc_buffer().words.address + 8, CHUNK)
    typed.next = 0
    typed.count = min(answer.word0, CHUNK)
    for i in range(typed.count):
        typed.bytes[i] = received[i]
