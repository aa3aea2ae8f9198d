"""What a fault message says.

When a thread does what it may not, the kernel stops it and sends a message in its name to its fault handler,
as if the thread had made a call: the label is the kind of fault, the words tell where and what. The handler
decides: put right what was missing and answer (a pager), or take the thread away.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.abi.faults import FaultLabel
from pith.metal import Value, u64

from .console import write
from .process import ipc_buffer
from .syscalls import Message

HIGHEST_FAULT: Final = 6
UNKNOWN_SYSCALL_NUMBER: Final = 10  # the message word behind the registers


class Cause(IntEnum):
    """Why the processor trapped: the RISC-V privileged specification's `scause`.

    A fault message tells a page fault as the access fault of its kind.
    """

    FETCH_MISALIGNED = 0
    FETCH_ACCESS = 1
    ILLEGAL_INSTRUCTION = 2
    BREAKPOINT = 3
    LOAD_MISALIGNED = 4
    LOAD_ACCESS = 5
    STORE_MISALIGNED = 6
    STORE_ACCESS = 7
    FETCH_PAGE = 12
    LOAD_PAGE = 13
    STORE_PAGE = 15


class PageFault(Value):
    """The words of a message with label VM."""

    pc: u64
    address: u64
    is_fetch: bool
    cause: u64


def page_fault(message: Message) -> PageFault:
    """A VM fault message, by its parts."""
    return PageFault(message.word0, message.word1, message.word2 != 0, message.word3)


def is_fault(message: Message) -> bool:
    """Whether the kernel sent this, rather than a program."""
    return 0 < message.info.label <= HIGHEST_FAULT


def write_cause(cause: u64) -> None:
    """Say in words what `scause` means."""
    if cause == Cause.FETCH_PAGE or cause == Cause.FETCH_ACCESS:
        write("executed memory that it does not have")
    elif cause == Cause.LOAD_PAGE or cause == Cause.LOAD_ACCESS:
        write("read memory that it does not have")
    elif cause == Cause.STORE_PAGE or cause == Cause.STORE_ACCESS:
        write("wrote memory that it may not write")
    elif cause == Cause.ILLEGAL_INSTRUCTION:
        write("met an instruction that does not exist")
    elif cause == Cause.BREAKPOINT:
        write("met a breakpoint")
    else:
        write("made a misaligned access")


def write_fault(message: Message) -> None:
    """Say what the thread did, as the end of a sentence."""
    match message.info.label:
        case FaultLabel.VM:
            write_cause(message.word3)
        case FaultLabel.USER_EXCEPTION:
            write_cause(message.word2)
        case FaultLabel.CAPABILITY:
            write(f"used capability {message.word1}, which it does not have")
        case FaultLabel.UNKNOWN_SYSCALL:
            write("made a system call that does not exist")
        case FaultLabel.TIMEOUT:
            write("used up its time")
        case _:
            write("sent a message that is not a fault")


def write_words(message: Message) -> None:
    """The message as the kernel sent it: each word with its name."""
    match message.info.label:
        case FaultLabel.VM:
            write("label 6, page fault: ")
            write(f"pc {message.word0:#x}, address {message.word1:#x}, ")
            write(f"fetch {message.word2}, status {message.word3}")
        case FaultLabel.USER_EXCEPTION:
            write("label 3, exception: ")
            write(f"pc {message.word0:#x}, sp {message.word1:#x}, ")
            write(f"scause {message.word2}, code {message.word3}")
        case FaultLabel.CAPABILITY:
            write("label 1, capability fault: ")
            write(f"pc {message.word0:#x}, capability {message.word1}, ")
            write(f"receiving {message.word2}, lookup failure {message.word3}")
        case FaultLabel.UNKNOWN_SYSCALL:
            number = ipc_buffer().words[UNKNOWN_SYSCALL_NUMBER]
            write("label 2, unknown system call: ")
            write(f"pc {message.word0:#x}, sp {message.word1:#x}, number {number:#x}")
        case FaultLabel.TIMEOUT:
            write("label 5, timeout: ")
            write(f"scheduling context {message.word0}, {message.word1} us used")
        case _:
            write(f"label {message.info.label}, length {message.info.length}")
