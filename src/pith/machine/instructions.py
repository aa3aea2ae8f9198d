"""What an instruction that trapped was about: as much decoding as traps need (RISC-V unprivileged ISA, 24 and 26).

The emulator tells the page that an access missed, not the address; the registers are still as the instruction found them, so
it can be worked out again. Counters are read by instructions that the machine does itself, for it keeps the time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MASK64: Final = (1 << 64) - 1
LOAD, LOAD_FLOAT, STORE, STORE_FLOAT, ATOMIC, SYSTEM = 0x03, 0x07, 0x23, 0x27, 0x2F, 0x73
LOAD_RESERVED: Final = 2  # bits 27-31 of an ATOMIC
BREAKPOINTS: Final = (0x0010_0073, 0x9002)
CYCLE, TIME, RETIRED = 0xC00, 0xC01, 0xC02
STACK: Final = 2


def length(instruction: int) -> int:
    """Bytes: 2 if compressed."""
    return 4 if instruction & 3 == 3 else 2


def is_breakpoint(instruction: int) -> bool:
    return (instruction if length(instruction) == 4 else instruction & 0xFFFF) in BREAKPOINTS


def is_atomic_write(instruction: int) -> bool:
    """Whether an access fault or misalignment in it is a store's."""
    return instruction & 0x7F == ATOMIC and instruction >> 27 & 31 != LOAD_RESERVED


def accessed_address(instruction: int, registers: Sequence[int]) -> int:
    """The address that a load, store or atomic instruction accesses; `registers[n]` is x(n+1)."""
    if length(instruction) == 2:
        base, offset = _compressed(instruction & 0xFFFF)
    else:
        base, offset = instruction >> 15 & 31, _offset(instruction)
    return ((registers[base - 1] if base else 0) + offset) & MASK64


def _offset(instruction: int) -> int:
    match instruction & 0x7F:
        case 0x03 | 0x07:
            return _signed(instruction >> 20, 12)
        case 0x23 | 0x27:
            return _signed(instruction >> 25 << 5 | instruction >> 7 & 31, 12)
    return 0  # atomics have none


def _compressed(half: int) -> tuple[int, int]:
    """Base register and offset. Floating-point forms differ only in the register that is loaded or stored."""
    is_word = half >> 13 & 3 == 2
    if half & 3 == 0:  # both registers are among x8..x15
        high, low = (half >> 10 & 7) << 3, half >> 5 & 3
        return (half >> 7 & 7) + 8, high | ((low & 1) << 6 | (low >> 1) << 2 if is_word else low << 6)
    if half >> 15:  # a store to the stack
        field = half >> 7 & 63
        return STACK, field & 60 | (field & 3) << 6 if is_word else field & 56 | (field & 7) << 6
    field = half >> 2 & 31 | (half >> 12 & 1) << 5
    return STACK, field & 60 | (field & 3) << 6 if is_word else field & 56 | (field & 7) << 6


def _signed(value: int, bits: int) -> int:
    return (value & (1 << bits) - 1 ^ 1 << bits - 1) - (1 << bits - 1)


# csrrs rd, counter, x0
_COUNTER_READS: Final = re.compile(rb"[\x73\xf3][\x20-\x2f][\x00\x10\x20]\xc0")


def find_counter_reads(code: memoryview) -> list[int]:
    """Offsets in a page of instructions that read a counter; perhaps a few too many."""
    return [match.start() for match in _COUNTER_READS.finditer(code) if match.start() % 2 == 0]


class CounterRead(NamedTuple):
    """`rdcycle`, `rdtime` or `rdinstret`: the counter's number and the register that gets it."""

    counter: int
    register: int


def counter_read(instruction: int) -> CounterRead | None:
    """The counter that an instruction reads; None when it is something else."""
    counter, function, source = instruction >> 20 & 0xFFF, instruction >> 12 & 7, instruction >> 15 & 31
    reads_only = function in (2, 3, 6, 7) and source == 0  # set or clear no bits
    if instruction & 0x7F == SYSTEM and reads_only and counter in (CYCLE, TIME, RETIRED):
        return CounterRead(counter, instruction >> 7 & 31)
    return None
