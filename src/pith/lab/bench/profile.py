"""A row's instructions by function, by source line, and by call stack.

The stack is followed through the trace: a jump that leaves a return address opens a frame, a return closes
one, any other way into another function takes the place of the frame on top (a tail call). A trap opens the
kernel's frames anew; a call of the firmware opens one on top of them. What was inlined stands above the function that
it was inlined into.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Final, NamedTuple

from .log import Privilege, Step, Trace
from .symbols import Line, Symbols

FIRMWARE: Final = "firmware"
CACHE_LINE_BITS: Final = 6

Stack = tuple[str, ...]


class Profile(NamedTuple):
    """How many instructions each function, line and stack has of its own."""

    name: str
    total: int
    counted: int
    functions: Counter[str]
    lines: Counter[Line]
    stacks: Counter[Stack]
    cache_lines: int  # of 64 bytes, that the kernel's instructions stand in


def profile(trace: Trace, kernel: Symbols, program: Symbols) -> Profile:
    functions: Counter[str] = Counter()
    lines: Counter[Line] = Counter()
    stacks: Counter[Stack] = Counter()
    line_of = cache(kernel.line)
    follower = Follower(kernel, program)
    for step in trace.steps:
        stack = follower.follow(step)
        functions[stack[-1]] += 1
        stacks[stack] += 1
        line = line_of(step.address) if step.privilege is Privilege.KERNEL else None
        if line is not None:
            lines[line] += 1
    touched = {s.address >> CACHE_LINE_BITS for s in trace.steps if s.privilege is Privilege.KERNEL}
    return Profile(trace.row.name, len(trace.steps), trace.counted, functions, lines, stacks, len(touched))


def short(name: str) -> str:
    """A name of Pith's kernel without what all of them begin with."""
    return name.removeprefix("pith.kernel.")


class Follower:
    """Knows at each step who called whom."""

    def __init__(self, kernel: Symbols, program: Symbols) -> None:
        self.kernel = kernel
        self.frames_in_kernel = cache(kernel.frames)
        self.frames_in_program = cache(program.frames)
        self.stack: list[str] = []  # functions of the kernel, without what was inlined into them
        self.before: Step | None = None

    def follow(self, step: Step) -> Stack:
        if step.privilege is Privilege.USER:
            self.before = None
            self.stack = []
            return ("user", self.frames_in_program(step.address)[-1])
        if step.privilege is Privilege.FIRMWARE:
            return ("kernel", *self.stack, FIRMWARE)
        function, *inlined = (short(name) for name in self.frames_in_kernel(step.address))
        self._enter(function)
        self.before = step
        return ("kernel", *self.stack, *inlined)

    def _enter(self, function: str) -> None:
        """Bring the stack up to date for an instruction of this function."""
        jumped = self.kernel.instruction(self.before.address) if self.before else 0
        if is_call(jumped):
            self.stack.append(function)
        elif is_return(jumped) and function in self.stack:
            while self.stack[-1] != function:
                self.stack.pop()
        elif not self.stack:
            self.stack = [function]
        elif self.stack[-1] != function:
            self.stack[-1] = function


def is_call(instruction: int) -> bool:
    """jal or jalr with the return address in ra, or c.jalr."""
    if instruction & 3 != 3:
        return instruction & 0xF07F == 0x9002 and instruction & 0xF80 != 0
    return instruction & 0x7F in (0x6F, 0x67) and instruction >> 7 & 31 == 1


def is_return(instruction: int) -> bool:
    """jalr that forgets its address and goes to ra, or c.jr ra."""
    if instruction & 3 != 3:
        return instruction & 0xFFFF == 0x8082
    return instruction & 0xF_FFFF == 0x8067
