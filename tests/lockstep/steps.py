"""A step: what the world does to the kernel once. Plain numbers, so that a failing run can be kept, cut and replayed.

A step says nothing about who makes it: whoever is current then. So a run stays a run when steps are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.kernel import debug
from pith.kernel.objects import Register
from pith.kernel.riscv64.csr import Cause

MASK64 = (1 << 64) - 1
REGISTER_WORDS = 4  # of a message, in a2..a5
TAG, WORDS, CAPS, RECEIVE = 0, 1, 122, 125  # where an IPC buffer's fields lie, in words


@dataclass(frozen=True)
class Step:
    """One kernel entry by the current thread, and what happens just before it."""

    cause: int = int(Cause.USER_CALL)
    value: int = 0
    registers: tuple[tuple[int, int], ...] = ()  # (Register, value): the thread's own doing
    buffer: tuple[tuple[int, int], ...] = ()  # (word, value): the same, in its IPC buffer
    elapse: int = 0  # ticks since the last entry
    look: int = 0  # ticks that each look at pending interrupts takes
    lines: int = 0  # devices that interrupt, a bit each
    float: int | None = None  # what the thread computes, if it may


@dataclass(frozen=True)
class Message:
    """A message as its sender has it."""

    label: int = 0
    words: tuple[int, ...] = ()
    caps: tuple[int, ...] = ()  # capability addresses
    length: int | None = None  # if it is to lie
    extra_caps: int | None = None

    def info(self) -> int:
        length = len(self.words) if self.length is None else self.length
        extra_caps = len(self.caps) if self.extra_caps is None else self.extra_caps
        return MessageInfo(
            length=length & 127, extra_caps=extra_caps & 3, label=self.label & (1 << 52) - 1
        ).bits


def system_call(
    number: int,
    target: int = 0,
    message: Message | None = None,
    reply: int = 0,
    destination: int = 0,
    receive: tuple[int, int, int] | None = None,
    **surroundings: int,
) -> Step:
    """A system call. `receive`: (CNode, index, depth), where a capability is to be put."""
    registers = {
        Register.A7: number & MASK64,
        Register.A0: target,
        Register.A6: reply,
        Register.T0: destination,
    }
    buffer: dict[int, int] = {}
    if message is not None:
        registers[Register.A1] = message.info()
        for index, word in enumerate(message.words[:REGISTER_WORDS]):
            registers[Register(Register.A2 + index)] = word & MASK64
        for index, word in enumerate(message.words[REGISTER_WORDS:], REGISTER_WORDS):
            buffer[WORDS + index] = word & MASK64
        for index, address in enumerate(message.caps):
            buffer[CAPS + index] = address & MASK64
    if receive is not None:
        for index, word in enumerate(receive):
            buffer[RECEIVE + index] = word & MASK64
    shown = tuple((int(r), v & MASK64) for r, v in registers.items())
    return Step(registers=shown, buffer=tuple(buffer.items()), **surroundings)


def invoke(target: int, label: int, *words: int, caps: tuple[int, ...] = (), **surroundings: int) -> Step:
    """An invocation whose caller waits for the answer."""
    return system_call(SystemCall.CALL, target, Message(label, words, caps), **surroundings)


def benchmark_number(call: BenchmarkCall) -> int:
    """The number of a benchmark call in this build: they follow the debug calls, if there are any."""
    return (DebugCall.NAME_THREAD if debug.DEBUG else SystemCall.YIELD) - 1 - call
