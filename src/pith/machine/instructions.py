"""As much decoding as the hosted machine needs (RISC-V unprivileged ISA, chapters 24, 26, 27 and 37).

The emulator tells the page that an access missed, not the address; the registers are still as the instruction found them, so
it can be worked out again. An access to a device, and an instruction that the emulator gets wrong, the machine does itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

MASK64: Final = (1 << 64) - 1
LOAD, LOAD_FLOAT, STORE, STORE_FLOAT, ATOMIC = 0x03, 0x07, 0x23, 0x27, 0x2F
MISC_MEMORY, SYSTEM = 0x0F, 0x73
LOAD_RESERVED, STORE_CONDITIONAL = 2, 3  # bits 27-31 of an ATOMIC
BREAKPOINTS: Final = (0x0010_0073, 0x9002)
CYCLE, TIME, RETIRED = COUNTERS = 0xC00, 0xC01, 0xC02
STACK: Final = 2


def length(instruction: int) -> int:
    """Bytes: 2 if compressed."""
    return 4 if instruction & 3 == 3 else 2


def is_breakpoint(instruction: int) -> bool:
    return (instruction if length(instruction) == 4 else instruction & 0xFFFF) in BREAKPOINTS


class Access(NamedTuple):
    """A load, store or atomic instruction: of `1 << order` bytes at what x`base` holds plus `offset`, from or to `register`."""

    opcode: int  # LOAD, LOAD_FLOAT, STORE, STORE_FLOAT or ATOMIC
    order: int
    is_unsigned: bool
    base: int
    offset: int
    register: int
    operation: int = 0  # of an ATOMIC: bits 27-31
    operand: int = 0  # of an ATOMIC: the register

    @property
    def size(self) -> int:
        """In bytes."""
        return 1 << self.order

    @property
    def is_write(self) -> bool:
        """Whether an access fault or misalignment in it is a store's."""
        writes = self.opcode == ATOMIC and self.operation != LOAD_RESERVED
        return writes or self.opcode in (STORE, STORE_FLOAT)

    def address(self, registers: Sequence[int]) -> int:
        """Where it accesses memory; `registers[n]` is x(n+1)."""
        return ((registers[self.base - 1] if self.base else 0) + self.offset) & MASK64


def access(instruction: int) -> Access | None:
    """An instruction's access to memory; None if it has none. Reserved widths may pass for an access."""
    if length(instruction) == 2:
        return _compressed(instruction & 0xFFFF)
    opcode, function, base = instruction & 0x7F, instruction >> 12 & 7, instruction >> 15 & 31
    target, source = instruction >> 7 & 31, instruction >> 20 & 31
    order, is_unsigned = function & 3, function > 3
    match opcode:
        case 0x03 | 0x07:  # LOAD, LOAD_FLOAT
            return Access(opcode, order, is_unsigned, base, _signed(instruction >> 20, 12), target)
        case 0x23 | 0x27:  # STORE, STORE_FLOAT
            offset = _signed(instruction >> 25 << 5 | target, 12)
            return Access(opcode, order, is_unsigned, base, offset, source)
        case 0x2F:  # ATOMIC
            return Access(opcode, order, is_unsigned, base, 0, target, instruction >> 27, source)
    return None


# By the bits 13-15 of quadrants 0 and 2.
_COMPRESSED: Final = (None, LOAD_FLOAT, LOAD, LOAD, None, STORE_FLOAT, STORE, STORE)


def _compressed(half: int) -> Access | None:
    opcode, order = _COMPRESSED[half >> 13], 2 if half >> 13 & 3 == 2 else 3
    if opcode is None or half & 1:
        return None
    if half & 3 == 0:  # both registers are among x8..x15
        high, low = (half >> 10 & 7) << 3, half >> 5 & 3
        offset = high | ((low & 1) << 6 | (low >> 1) << 2 if order == 2 else low << 6)
        return Access(opcode, order, False, (half >> 7 & 7) + 8, offset, (half >> 2 & 7) + 8)
    if half >> 15:  # a store to the stack
        field, register = half >> 7 & 63, half >> 2 & 31
    else:
        field, register = half >> 2 & 31 | (half >> 12 & 1) << 5, half >> 7 & 31
    offset = field & 60 | (field & 3) << 6 if order == 2 else field & 56 | (field & 7) << 6
    return Access(opcode, order, False, STACK, offset, register)


def _signed(value: int, bits: int) -> int:
    return (value & (1 << bits) - 1 ^ 1 << bits - 1) - (1 << bits - 1)


# Control and status registers ---------------------------------------------------------------------------------

CSR_CLEAR_OR_SET: Final = (2, 3, 6, 7)  # by function: those with source 0 write nothing


def is_instruction_fence(instruction: int) -> bool:
    """`fence.i`; its other fields are reserved, and ignored."""
    return instruction & 0x707F == 0x100F


def user_counter(instruction: int) -> int | None:
    """The number of the user's read-only register that an instruction accesses, counters among them; None: not one."""
    number = instruction >> 20 & 0xFFF
    is_access = instruction & 0x7F == SYSTEM and instruction >> 12 & 3 != 0
    return number if is_access and number >> 8 == 0xC else None


def only_reads(instruction: int) -> bool:
    """Whether an access to a control and status register writes none: one that sets or clears what x0 or 0 says."""
    return instruction >> 12 & 7 in CSR_CLEAR_OR_SET and instruction >> 15 & 31 == 0


# What the emulator gets wrong ---------------------------------------------------------------------------------


def is_reserved(half: int) -> bool:
    """Compressed instructions that are none, although the emulator passes over them: rows of chapter 27's tables."""
    return half & 0xE003 == 0x8000 or half & 0xFC43 == 0x9C41


FUSED: Final = (0x43, 0x47, 0x4B, 0x4F)
OP_FLOAT: Final = 0x53
SOURCE1, SOURCE2, SOURCE3, RESULT, MINIMUM, ADDEND = 1, 2, 4, 8, 16, 32
# What of an OP_FLOAT is of single precision, by its bits 25-31; MINIMUM says that it is fmin or fmax, of either precision.
OF_FLOAT: Final = {
    0x00: SOURCE1 | SOURCE2 | RESULT,  # fadd.s
    0x04: SOURCE1 | SOURCE2 | RESULT,  # fsub.s
    0x08: SOURCE1 | SOURCE2 | RESULT,  # fmul.s
    0x0C: SOURCE1 | SOURCE2 | RESULT,  # fdiv.s
    0x2C: SOURCE1 | RESULT,  # fsqrt.s
    0x10: SOURCE1 | SOURCE2 | RESULT,  # fsgnj.s and its like
    0x14: SOURCE1 | SOURCE2 | RESULT | MINIMUM,
    0x15: MINIMUM,
    0x20: RESULT,  # fcvt.s.d
    0x21: SOURCE1,  # fcvt.d.s
    0x50: SOURCE1 | SOURCE2,  # feq.s and its like
    0x60: SOURCE1,  # fcvt.w.s and its like
    0x68: RESULT,  # fcvt.s.w and its like
    0x70: SOURCE1,  # fclass.s; fmv.x.w takes any
    0x78: RESULT,  # fmv.w.x
}


def peculiarities(instruction: int) -> int:
    """What of a floating-point instruction is to be looked after: a set of SOURCE1... ADDEND, 0 for nothing.

    The sources and the result are told if they are of single precision; ADDEND, the third source, in either precision.
    """
    opcode = instruction & 0x7F
    if opcode in FUSED:
        precision = instruction >> 25 & 3
        return {0: SOURCE1 | SOURCE2 | SOURCE3 | RESULT | ADDEND, 1: ADDEND}.get(precision, 0)
    return OF_FLOAT.get(instruction >> 25, 0) if opcode == OP_FLOAT else 0


def moves_bits(instruction: int) -> bool:
    """Whether it is fmv.x.w, to which it does not matter what its source holds."""
    return instruction & 0xFE00_707F == 0xE000_0053


def fills_float(instruction: int) -> bool:
    """Whether a floating-point instruction's result goes to a floating-point register."""
    return instruction & 0x7F in FUSED or instruction >> 25 not in (0x50, 0x51, 0x60, 0x61, 0x70, 0x71)
