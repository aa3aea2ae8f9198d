"""What a running program remembers about itself, and how every component's address space looks.

A component (a program that the initial thread started, see component.py) finds its IPC buffer always at the same
address, so nobody has to tell it. The initial thread learns its own from bootinfo. One thread a program: a second
one would need an IPC buffer, and a stack, of its own.

    below 0x1_0000     nothing, ever: a null reference faults, and so does a stack that overflows
    0x0000_0001_0000   the program: the stack, text, constants, data, zeroed data
    0x0010_0000_0000   what it maps itself: pages lent to it, device registers
    0x003f_fff0_0000   the IPC buffer's page
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import IPCBuffer
from pith.metal import Struct, static, u64

WINDOW: Final = 0x10_0000_0000
IPC_BUFFER_ADDRESS: Final = 0x3F_FFF0_0000


class Process(Struct):
    """The program's own state."""

    ipc_buffer: IPCBuffer | None
    is_initial: bool


process: Final = static(Process)


def ipc_buffer() -> IPCBuffer:
    """The page that this thread and the kernel exchange long messages and capabilities through."""
    buffer = process.ipc_buffer
    assert buffer is not None, "start.prepare has not run"
    return buffer


def set_word(index: u64, value: u64) -> None:
    """Put a message word that does not travel in a register (index 4 to 119) into the IPC buffer."""
    ipc_buffer().words[index] = value
