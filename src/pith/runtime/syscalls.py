"""The eleven system calls.

A message is an info word (label, length, number of capabilities) and up to 120 words. The first four travel
in registers, the rest and the capabilities through the IPC buffer. The functions here take and return the
four as plain values, because nearly every message is that short and the kernel copies nothing then.
`call_buffer` is for the others: all words stand in the IPC buffer.

    send        give a message, wait until someone takes it         nb_send   the same, or give up
    recv        wait for a message                                  nb_recv   the same, or give up
    call        send, then wait for the answer to it: one trip into the kernel
    reply_recv  answer, then wait for the next request: a server's whole loop
    wait        recv for things that nobody answers: notifications  nb_wait   the same, or give up
    nb_send_recv, nb_send_wait: give one message to one capability, and wait at another
    yield_      give up the rest of this time slice

`reply` names a Reply object: the kernel ties the caller to it, and whoever sends to it answers the caller.
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.metal import MASK64, Array, Struct, Value, array, assembly, inline, machine, static, u64

from .capability import CPtr
from .process import ipc_buffer


class Message(Value):
    """What arrived: from whom (the badge of the capability that was used), and the first four words."""

    badge: u64
    info: MessageInfo
    word0: u64
    word1: u64
    word2: u64
    word3: u64


def number(call: SystemCall) -> u64:
    """A system call's number as register a7 holds it: they are negative."""
    return int(call) & MASK64


EMPTY: Final = MessageInfo()


@inline
def trap(
    call: SystemCall,
    cap: CPtr,
    info: MessageInfo,
    word0: u64,
    word1: u64,
    word2: u64,
    word3: u64,
    reply: CPtr,
) -> Message:
    """Enter the kernel."""
    badge, tag, answer0, answer1, answer2, answer3, _ = machine.system_call(
        number(call), cap, info.bits, word0, word1, word2, word3, reply
    )
    return Message(badge, MessageInfo.from_bits(tag), answer0, answer1, answer2, answer3)


@inline
def send(
    to: CPtr, info: MessageInfo = EMPTY, word0: u64 = 0, word1: u64 = 0, word2: u64 = 0, word3: u64 = 0
) -> None:
    """Give the message to whoever receives at `to`; wait until they do."""
    trap(SystemCall.SEND, to, info, word0, word1, word2, word3, 0)


@inline
def nb_send(
    to: CPtr, info: MessageInfo = EMPTY, word0: u64 = 0, word1: u64 = 0, word2: u64 = 0, word3: u64 = 0
) -> None:
    """Give the message to whoever waits at `to` now; if nobody does, it is lost."""
    trap(SystemCall.NB_SEND, to, info, word0, word1, word2, word3, 0)


@inline
def call(
    to: CPtr, info: MessageInfo = EMPTY, word0: u64 = 0, word1: u64 = 0, word2: u64 = 0, word3: u64 = 0
) -> Message:
    """Send, and wait for the answer."""
    return trap(SystemCall.CALL, to, info, word0, word1, word2, word3, 0)


@inline
def recv(source: CPtr, reply: CPtr) -> Message:
    """Wait for a message at `source`; a caller that wants an answer is tied to the object `reply`."""
    return trap(SystemCall.RECV, source, EMPTY, 0, 0, 0, 0, reply)


@inline
def nb_recv(source: CPtr, reply: CPtr) -> Message:
    """A message that already waits at `source`; else one with badge 0."""
    return trap(SystemCall.NB_RECV, source, EMPTY, 0, 0, 0, 0, reply)


@inline
def reply_recv(
    source: CPtr,
    reply: CPtr,
    info: MessageInfo = EMPTY,
    word0: u64 = 0,
    word1: u64 = 0,
    word2: u64 = 0,
    word3: u64 = 0,
) -> Message:
    """Answer the caller that is tied to `reply`, then wait at `source` for the next, who is tied to it in turn."""
    return trap(SystemCall.REPLY_RECV, source, info, word0, word1, word2, word3, reply)


@inline
def wait(source: CPtr) -> Message:
    """Wait at `source` for what needs no answer."""
    return trap(SystemCall.WAIT, source, EMPTY, 0, 0, 0, 0, 0)


@inline
def nb_wait(source: CPtr) -> Message:
    """What already waits at `source`; else badge 0."""
    return trap(SystemCall.NB_WAIT, source, EMPTY, 0, 0, 0, 0, 0)


@inline
def yield_() -> None:
    """Give up the rest of this time slice."""
    trap(SystemCall.YIELD, 0, EMPTY, 0, 0, 0, 0, 0)


def call_buffer(to: CPtr, info: MessageInfo) -> Message:
    """Call with a message whose words all stand in the IPC buffer; the answer's do, too."""
    words = ipc_buffer().words
    answer = call(to, info, words[0], words[1], words[2], words[3])
    words_to_buffer(answer)
    return answer


def words_to_buffer(message: Message) -> None:
    """Put the four words that came in registers before the others, so that all stand in a row."""
    words = ipc_buffer().words
    words[0] = message.word0
    words[1] = message.word1
    words[2] = message.word2
    words[3] = message.word3


# Two capabilities in one call -----------------------------------------------------------------------------
#
# These calls name the receiver in register t0 as well, one register more than `machine.system_call` sets.
# They are for servers whose answer goes elsewhere than where they wait; so a few loads and stores do not
# matter.


class TrapFrame(Struct):
    """Registers a0-a6, a7 and t0, before and after the call."""

    registers: Array[u64] = array(9)


frame: Final = static(TrapFrame)

TRAP_WITH_FRAME: Final = """
    mv t1, a0
    ld a1, 8(t1)
    ld a2, 16(t1)
    ld a3, 24(t1)
    ld a4, 32(t1)
    ld a5, 40(t1)
    ld a6, 48(t1)
    ld a7, 56(t1)
    ld t0, 64(t1)
    ld a0, 0(t1)
    ecall
    sd a0, 0(t1)
    sd a1, 8(t1)
    sd a2, 16(t1)
    sd a3, 24(t1)
    sd a4, 32(t1)
    sd a5, 40(t1)
    ret
"""


@assembly(TRAP_WITH_FRAME)
def trap_with_frame(frame: TrapFrame) -> None:
    """Enter the kernel with all nine registers. The kernel leaves t1 as it is, so it finds the frame again."""
    result = machine.processor.system_call(tuple(frame.registers))
    for i in range(6):
        frame.registers[i] = result[i]


def trap_two(
    call: SystemCall, to: CPtr, source: CPtr, info: MessageInfo, words: tuple[u64, u64, u64, u64], reply: CPtr
) -> Message:
    """Enter the kernel with a capability to send to and one to wait at."""
    registers = frame.registers
    registers[0] = source
    registers[1] = info.bits
    registers[2], registers[3], registers[4], registers[5] = words
    registers[6] = reply
    registers[7] = number(call)
    registers[8] = to
    trap_with_frame(frame)
    tag = MessageInfo.from_bits(registers[1])
    return Message(registers[0], tag, registers[2], registers[3], registers[4], registers[5])


def nb_send_recv(
    to: CPtr,
    source: CPtr,
    reply: CPtr,
    info: MessageInfo = EMPTY,
    word0: u64 = 0,
    word1: u64 = 0,
    word2: u64 = 0,
    word3: u64 = 0,
) -> Message:
    """Give the message to whoever waits at `to` now, then receive at `source`."""
    return trap_two(SystemCall.NB_SEND_RECV, to, source, info, (word0, word1, word2, word3), reply)


def nb_send_wait(
    to: CPtr,
    source: CPtr,
    info: MessageInfo = EMPTY,
    word0: u64 = 0,
    word1: u64 = 0,
    word2: u64 = 0,
    word3: u64 = 0,
) -> Message:
    """Give the message to whoever waits at `to` now, then wait at `source`."""
    return trap_two(SystemCall.NB_SEND_WAIT, to, source, info, (word0, word1, word2, word3), 0)
