"""Fault messages: a fault as words for its handler, and the handler's answer as register values.

Which registers travel, and in which order, is one table for each kind of message; the values read from it
are indices into `Thread.registers`. Manual: "Faults" (message layouts), "Message Layout of the
Read-/Write-Registers Methods".
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.errors import LookupFailureKind
from pith.abi.messages import MESSAGE_REGISTERS, IPCBuffer, MessageInfo
from pith.metal import u5, u6, u7, u64

from . import budget
from .message import buffer_of, get_word, info_of, put_header, put_word
from .objects import FaultKind, Register, Thread
from .scheduler import disown_cancellation

R = Register


def _table(registers: list[Register]) -> int:
    """Register indices, six bits each, as one constant."""
    return sum(int(register) << (6 * position) for position, register in enumerate(registers))


CONTEXT_REGISTERS: Final = 32
SYSCALL_REGISTERS: Final = 10
EXCEPTION_REGISTERS: Final = 2

# seL4_UserContext, and the reply to a timeout fault.
CONTEXT: Final = _table([
    R.FAULT_PC, R.RA, R.SP, R.GP,
    R.S0, R.S1, R.S2, R.S3, R.S4, R.S5, R.S6, R.S7, R.S8, R.S9, R.S10, R.S11,
    R.A0, R.A1, R.A2, R.A3, R.A4, R.A5, R.A6, R.A7,
    R.T0, R.T1, R.T2, R.T3, R.T4, R.T5, R.T6, R.TP,
])  # fmt: skip
SYSCALL: Final = _table([R.FAULT_PC, R.SP, R.RA, R.A0, R.A1, R.A2, R.A3, R.A4, R.A5, R.A6])
EXCEPTION: Final = _table([R.FAULT_PC, R.SP])


class Layout(IntEnum):
    """Which registers a message carries."""

    CONTEXT = 0
    SYSCALL = 1
    EXCEPTION = 2


def register_at(layout: Layout, position: u5) -> u6:
    """The index in `Thread.registers` of the register at `position` in messages of this layout."""
    match layout:
        case Layout.CONTEXT:
            return CONTEXT >> (6 * position) & 63
        case Layout.SYSCALL:
            return SYSCALL >> (6 * position) & 63
        case Layout.EXCEPTION:
            return EXCEPTION >> (6 * position) & 63


# What a fault is --------------------------------------------------------------------------------------------


def set_fault(thread: Thread, kind: FaultKind, word0: u64 = 0, word1: u64 = 0, word2: u64 = 0) -> None:
    """Note that `thread` is in a fault; FaultKind says what the words are."""
    disown_cancellation(thread)
    thread.fault_kind = kind
    thread.fault_words[0] = word0
    thread.fault_words[1] = word1
    thread.fault_words[2] = word2


def set_capability_fault(
    thread: Thread,
    address: u64,
    in_receive: bool,
    kind: LookupFailureKind,
    word0: u64,
    word1: u64,
    word2: u64,
) -> None:
    """Note that the capability at `address` could not be used; kind and words as in LookupFailure."""
    set_fault(thread, FaultKind.CAPABILITY, address, int(in_receive), int(kind))
    thread.fault_words[3] = word0
    thread.fault_words[4] = word1
    thread.fault_words[5] = word2


# From the faulting thread to its handler --------------------------------------------------------------------


def deliver(thread: Thread, handler: Thread, badge: u64) -> None:
    """Give `handler` the message that tells of the fault of `thread`."""
    buffer = buffer_of(handler, writing=True)
    pc, words = thread.registers[Register.FAULT_PC], thread.fault_words
    length: u7 = 4
    match thread.fault_kind:
        case FaultKind.CAPABILITY:
            length = _put(handler, buffer, pc, words[0], words[1], words[2])
            for index in range(lookup_words(words[2])):
                put_word(handler, buffer, 4 + index, words[3 + index])
                length = 5 + index
        case FaultKind.UNKNOWN_SYSCALL:
            for index in range(SYSCALL_REGISTERS):
                put_word(handler, buffer, index, thread.registers[register_at(Layout.SYSCALL, index)])
            put_word(handler, buffer, SYSCALL_REGISTERS, words[0])
            length = SYSCALL_REGISTERS + 1
        case FaultKind.USER_EXCEPTION:
            length = _put(handler, buffer, pc, thread.registers[Register.SP], words[0], words[1])
        case FaultKind.TIMEOUT:
            context = thread.context
            consumed = 0 if context is None else budget.take_consumed(context)
            put_word(handler, buffer, 0, words[0])
            put_word(handler, buffer, 1, consumed)
            length = 2
        case FaultKind.VM:
            length = _put(handler, buffer, pc, words[0], words[2], words[1])
        case FaultKind.NONE:
            length = 0
    if buffer is None:
        length = min(length, MESSAGE_REGISTERS)
    put_header(handler, badge, MessageInfo(length, label=int(thread.fault_kind)))


def _put(handler: Thread, buffer: IPCBuffer | None, word0: u64, word1: u64, word2: u64, word3: u64) -> u7:
    put_word(handler, buffer, 0, word0)
    put_word(handler, buffer, 1, word1)
    put_word(handler, buffer, 2, word2)
    put_word(handler, buffer, 3, word3)
    return 4


def lookup_words(kind: u64) -> u7:
    """How many words describe a lookup failure of this kind."""
    match kind:
        case LookupFailureKind.MISSING_CAPABILITY:
            return 1
        case LookupFailureKind.DEPTH_MISMATCH:
            return 2
        case LookupFailureKind.GUARD_MISMATCH:
            return 3
        case _:
            return 0


# From the handler back --------------------------------------------------------------------------------------


def apply_reply(handler: Thread, thread: Thread) -> bool:
    """End the fault of `thread` as the handler's message says; whether it is to be restarted."""
    kind = thread.fault_kind
    thread.fault_kind = FaultKind.NONE
    match kind:
        case FaultKind.UNKNOWN_SYSCALL:
            _set_registers(handler, thread, Layout.SYSCALL, SYSCALL_REGISTERS)
        case FaultKind.USER_EXCEPTION:
            _set_registers(handler, thread, Layout.EXCEPTION, EXCEPTION_REGISTERS)
        case FaultKind.TIMEOUT:
            _set_registers(handler, thread, Layout.CONTEXT, CONTEXT_REGISTERS)
        case _:
            return True
    return info_of(handler).label == 0


def _set_registers(handler: Thread, thread: Thread, layout: Layout, count: u7) -> None:
    """Set as many registers of `thread` as the handler's message has, up to `count`."""
    buffer = buffer_of(handler, writing=False)
    for index in range(min(info_of(handler).length, count)):
        thread.registers[register_at(layout, index)] = get_word(handler, buffer, index)
