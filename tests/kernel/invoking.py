"""A caller that invokes capabilities: what tests of the kernel's objects begin with."""

from __future__ import annotations

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel.objects import Cap, PageTable, PageTableCap, Register, ThreadCap, ThreadState
from pith.kernel.state import kernel

from .conftest import World
from .running import Running

THREAD, SELF, FIRST = 1, 2, 10  # slots of the caller's CSpace; extra capabilities from FIRST on
ILLEGAL, TRUNCATED = ErrorCode.ILLEGAL_OPERATION, ErrorCode.TRUNCATED_MESSAGE
INVALID, RANGE = ErrorCode.INVALID_CAPABILITY, ErrorCode.RANGE_ERROR
OK: tuple[int, list[int]] = (0, [])


class Invoking(Running):
    """A caller with capabilities to itself and to another, stopped thread."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.caller = self.make_current(self.thread(100))
        self.target = self.passive(10, ThreadState.INACTIVE)
        self.give(self.caller, THREAD, ThreadCap(self.target))
        self.give(self.caller, SELF, ThreadCap(self.caller))

    def invoke(
        self, label: Label | int, *words: int, caps: tuple[Cap, ...] = (), on: int = THREAD
    ) -> tuple[int, list[int]]:
        """Call the capability in slot `on`; the error code, and the words of the answer."""
        buffer, registers = self.world.buffer(self.caller), self.caller.registers
        for index, word in enumerate(words):
            if index < 4:
                registers[Register.A2 + index] = word
            else:
                buffer.words[index] = word
        for index, cap in enumerate(caps):
            buffer.caps_or_badges[index] = self.give(self.caller, FIRST + index, cap)
        registers[Register.A1] = MessageInfo(len(words), len(caps), 0, int(label)).bits
        kernel.current = self.caller
        self.system_call_only(Call.CALL, on)
        info = MessageInfo.from_bits(registers[Register.A1])
        answer = [registers[Register.A2 + i] if i < 4 else buffer.words[i] for i in range(info.length)]
        return info.label, answer

    def vspace(self) -> PageTableCap:
        return PageTableCap(True, True, self.world.make(PageTable), 1, 0)
