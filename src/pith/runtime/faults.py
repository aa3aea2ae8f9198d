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
from .syscalls import Message

HIGHEST_FAULT: Final = 6


class Cause(IntEnum):
    """Why the processor trapped: the RISC-V privileged specification's `scause`."""

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
    """Say what happened, on one line without its end."""
    label = message.info.label
    if label == FaultLabel.VM:
        fault = page_fault(message)
        write_cause(fault.cause)
        write(f": address {fault.address:#x}, by the instruction at {fault.pc:#x}")
    elif label == FaultLabel.USER_EXCEPTION:
        write_cause(message.word2)
        write(f", at {message.word0:#x}")
    elif label == FaultLabel.CAPABILITY:
        write(f"used capability {message.word1}, which it does not have, at {message.word0:#x}")
    elif label == FaultLabel.UNKNOWN_SYSCALL:
        write(f"made a system call that does not exist, at {message.word0:#x}")
    elif label == FaultLabel.TIMEOUT:
        write("used up its time")
    else:
        write(f"sent a message that is not a fault: label {label}")
