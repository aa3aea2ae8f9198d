"""A processor that notes every system call, so that user programs' code runs under CPython without a kernel."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pith.abi.messages import IPCBuffer, MessageInfo
from pith.metal import machine
from pith.runtime import console
from pith.runtime.process import process
from tests import arena

ARENA = 0x40_0000
ARENA_BYTES = 1 << 20


@dataclass
class Trap:
    """One system call as the kernel would see it."""

    number: int
    cap: int
    info: MessageInfo
    words: list[int]
    caps: list[int]
    reply: int
    send_to: int | None


Answer = Callable[[Trap], tuple[int, ...]]


def nothing(trap: Trap) -> tuple[int, ...]:
    """Badge 0, label 0, no words."""
    return (0, 0, 0, 0, 0, 0, 0)


@dataclass
class RecordingProcessor:
    """Answers every system call by `answer`, and keeps it."""

    buffer: IPCBuffer
    answer: Answer = nothing
    traps: list[Trap] = field(default_factory=list)
    devices: dict[int, int] = field(default_factory=dict)

    def system_call(self, registers: tuple[int, ...]) -> tuple[int, ...]:
        cap, tag, *words, reply, number = registers[:8]
        info = MessageInfo.from_bits(tag)
        row = [*words, *self.buffer.words][: len(words)]
        row += [self.buffer.words[i] for i in range(4, info.length)]
        caps = [self.buffer.caps_or_badges[i] for i in range(info.extra_caps)]
        send_to = registers[8] if len(registers) > 8 else None
        signed = number - (1 << 64)
        self.traps.append(Trap(signed, cap, info, row, caps, reply, send_to))
        return self.answer(self.traps[-1])

    def end_reservation(self) -> None:
        pass

    def instruction_fence(self) -> None:
        pass

    def csr_read(self, name: str) -> int:
        raise NotImplementedError(name)

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


@pytest.fixture(autouse=True)
def no_arena() -> Iterator[None]:
    """Leave no memory attached: modules with statics could not be imported any more."""
    yield
    arena.detach()


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProcessor]:
    """Memory, an IPC buffer, and the recording processor; a debug console."""
    arena.attach(ARENA, ARENA_BYTES)
    process.ipc_buffer = IPCBuffer.at(ARENA)
    console.console.sink = console.Sink.DEBUG
    recording = RecordingProcessor(process.ipc_buffer)
    monkeypatch.setattr(machine, "processor", recording)
    yield recording


@pytest.fixture
def free_memory(processor: RecordingProcessor) -> int:
    """The address of half a megabyte that nobody uses."""
    return ARENA + ARENA_BYTES // 2
