"""Calls that exist only in kernels built for debugging. Elsewhere they are faults: an unknown system call."""

from __future__ import annotations

from typing import Final

from pith.abi.syscalls import DebugCall
from pith.metal import MASK64, Array, machine, u8, u64

from .capability import CPtr
from .process import ipc_buffer

# Whether the program is built for a kernel that has these calls: a part of what is compiled. Components are named then.
EXPECTED: Final = False


def number(call: DebugCall) -> u64:
    return int(call) & MASK64


def _ask(call: DebugCall, word: u64) -> u64:
    answer, _, _, _, _, _, _ = machine.system_call(number(call), word, 0, 0, 0, 0, 0, 0)
    return answer


def put_char(character: u8) -> None:
    """Print one byte on the kernel's own console."""
    _ask(DebugCall.PUT_CHAR, character)


def dump_scheduler() -> None:
    """Print who runs, who is ready, and who waits for budget."""
    _ask(DebugCall.DUMP_SCHEDULER, 0)


def halt() -> None:
    """Stop the machine."""
    _ask(DebugCall.HALT, 0)


def cap_identify(cap: CPtr) -> u64:
    """A number for the kind of object that `cap` names; 0 if none."""
    return _ask(DebugCall.CAP_IDENTIFY, cap)


def snapshot() -> None:
    """Print the whole system, in capDL: objects and capabilities."""
    _ask(DebugCall.SNAPSHOT, 0)


def name_thread(thread: CPtr, name: str) -> None:
    """Give a thread a name, for the kernel's own messages."""
    text = Array[u8].at(ipc_buffer().words.address, len(name) + 1)
    for i in range(len(name)):
        text[i] = ord(name[i])
    text[len(name)] = 0
    _ask(DebugCall.NAME_THREAD, thread)
