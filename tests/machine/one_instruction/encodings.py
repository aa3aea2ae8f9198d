"""Instructions drawn by encoding: all of rv64imafdc, its neighbours in the encoding space, and pure chance.

The table has the opcodes of the unprivileged specification's chapter 37. What it leaves open (registers, immediates, rounding
modes, reserved fields) is drawn, so that each encoding of each instruction can come up, and many that are none. The state
is drawn to fit: an access's base register is chosen so that the access meets something interesting.
"""

from __future__ import annotations

import random
from typing import Final

from pith.machine import instructions

from . import cases
from .cases import BORDER, CODE, MASK64, Case

# Fixed bits as (mask, match), in the order of the specification's tables. A name may stand for several.
OPCODE, FUNCT3, FUNCT7, FUNCT5 = 0x7F, 0x707F, 0xFE00_707F, 0xF800_707F


def _r(opcode: int, funct7: int, functs3: str) -> list[tuple[int, int]]:
    return [(FUNCT7, funct7 << 25 | int(digit) << 12 | opcode) for digit in functs3]


def _i(opcode: int, functs3: str) -> list[tuple[int, int]]:
    return [(FUNCT3, int(digit) << 12 | opcode) for digit in functs3]


LOAD, LOAD_FP, MISC_MEM, OP_IMM, AUIPC, OP_IMM_32 = 0x03, 0x07, 0x0F, 0x13, 0x17, 0x1B
STORE, STORE_FP, AMO, OP, LUI, OP_32 = 0x23, 0x27, 0x2F, 0x33, 0x37, 0x3B
FUSED: Final = (0x43, 0x47, 0x4B, 0x4F)
OP_FP, BRANCH, JALR, JAL, SYSTEM = 0x53, 0x63, 0x67, 0x6F, 0x73

INTEGER: Final = [
    (OPCODE, LUI), (OPCODE, AUIPC), *_i(OP_IMM, "01234567"), *_i(OP_IMM_32, "015"),
    (0xFC00_707F, 0x1013), (0xFC00_707F, 0x5013), (0xFC00_707F, 0x4000_5013),
    (FUNCT7, 0x101B), (FUNCT7, 0x501B), (FUNCT7, 0x4000_501B),
    *_r(OP, 0, "01234567"), *_r(OP, 0x20, "05"), *_r(OP, 1, "01234567"),
    *_r(OP_32, 0, "015"), *_r(OP_32, 0x20, "05"), *_r(OP_32, 1, "04567"),
]  # fmt: skip
JUMPS: Final = [*_i(BRANCH, "014567"), *_i(JALR, "0"), (OPCODE, JAL)]
ACCESSES: Final = [*_i(LOAD, "0123456"), *_i(STORE, "0123"), *_i(LOAD_FP, "23"), *_i(STORE_FP, "23")]
ATOMICS: Final = [
    (FUNCT5 | (0x1F << 20 if funct5 == 2 else 0), funct5 << 27 | width << 12 | AMO)
    for funct5 in (0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28)
    for width in (2, 3)
]
FLOATING: Final = [
    *((0x0600_007F, form << 25 | opcode) for opcode in FUSED for form in (0, 1)),
    *((0xFE00_007F, (funct5 << 2 | form) << 25 | OP_FP) for funct5 in range(4) for form in (0, 1)),
    *((0xFFF0_007F, (0x2C | form) << 25 | OP_FP) for form in (0, 1)),  # fsqrt
    *((FUNCT7, (0x10 | form) << 25 | sign << 12 | OP_FP) for form in (0, 1) for sign in (0, 1, 2)),
    *((FUNCT7, (0x14 | form) << 25 | which << 12 | OP_FP) for form in (0, 1) for which in (0, 1)),
    *((FUNCT7, (0x50 | form) << 25 | which << 12 | OP_FP) for form in (0, 1) for which in (0, 1, 2)),
    (0xFFF0_007F, 0x4010_0053), (0xFFF0_007F, 0x4200_0053),  # fcvt.s.d, fcvt.d.s
    *((0xFFF0_007F, (way << 3 | form) << 25 | kind << 20 | OP_FP)
      for way in (12, 13) for form in (0, 1) for kind in range(4)),
    *((0xFFF0_707F, (way << 3 | form) << 25 | OP_FP) for way in (14, 15) for form in (0, 1)),
    *((0xFFF0_707F, (14 << 3 | form) << 25 | 0x1000 | OP_FP) for form in (0, 1)),
]  # fmt: skip
FLOAT_CSRS: Final = (1, 2, 3)
CSR_ACCESSES: Final = [*_i(SYSTEM, "123567")]
OTHERS: Final = [*_i(MISC_MEM, "01"), (MASK64 >> 32, 0x73), (MASK64 >> 32, 0x0010_0073), (OPCODE, SYSTEM)]
OPCODES: Final = (*range(3, 128, 4),)  # with other fields drawn: also what is not there

KINDS: Final = {
    "integer": INTEGER, "jump": JUMPS, "access": ACCESSES, "atomic": ATOMICS, "floating": FLOATING, "csr": CSR_ACCESSES,
    "other": OTHERS, "opcode": [(OPCODE, opcode) for opcode in OPCODES],
    "compressed": [(0xE003, high << 13 | low) for high in range(8) for low in range(3)], "chance": [(0, 0)],
}  # fmt: skip

SINGLES: Final = (
    0, 0x8000_0000, 1, 0x007F_FFFF, 0x0080_0000, 0x3F80_0000, 0xBF80_0000, 0x7F7F_FFFF, 0x7F80_0000, 0xFF80_0000,
    0x7FC0_0000, 0x7F80_0001, 0xFFC1_2345, 0x4F00_0000, 0x5F00_0000, 0xCF00_0000, 0xDF00_0000, 0x4B00_0001, 0x3EFF_FFFF,
    0x4F7F_FFFF, 0xBF00_0000, 0x3FC0_0000,
)  # fmt: skip
DOUBLES: Final = (
    0, 1 << 63, 1, 0x000F_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000, 0x3FF0_0000_0000_0000, 0xBFF8_0000_0000_0000,
    0x7FEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0x7FF0_0000_0000_0001,
    0x41DF_FFFF_FFC0_0000, 0x41E0_0000_0000_0000, 0x41EF_FFFF_FFF0_0000, 0x43E0_0000_0000_0000, 0xC3E0_0000_0000_0000,
    0x43F0_0000_0000_0000, 0x3FE0_0000_0000_0000, 0x380F_FFFF_FFFF_FFFF, 0x47EF_FFFF_F000_0000, 0x36A0_0000_0000_0001,
    0xC1E0_0000_0020_0000,
)  # fmt: skip
INTEGERS: Final = (
    0, 1, 2, MASK64, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 1 << 32, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF, 63, 32,
)  # fmt: skip
TARGETS: Final = (
    *((BORDER, 6),) * 6, *((BORDER - 16, 0),) * 6, (cases.READ_ONLY + 0x80, 3), (cases.HOLE + 0x80, 3),
    (cases.SUPERVISOR, 3), (cases.EXECUTE_ONLY, 3), (cases.WRITE_ONLY, 3), (cases.NOWHERE, 3), (0, 3), (CODE + 0x800, 3),
    (BORDER + cases.PAGE, 4),
)  # fmt: skip  # addresses, and as powers of two how far around


def load(function: int, address: int) -> Case:
    """A load into a0 in one of its widths, by its function."""
    a1 = [0] * 31
    a1[10] = address
    return Case(11 << 15 | function << 12 | 10 << 7 | LOAD, tuple(a1), (0,) * 32)


def _instruction(chance: random.Random, kind: str) -> int:
    mask, match = chance.choice(KINDS[kind])
    instruction = chance.getrandbits(32) & ~mask | match
    if kind == "csr":
        csr = chance.choice(FLOAT_CSRS) if chance.random() < 0.7 else chance.getrandbits(12)
        instruction = instruction & 0xFFFFF | csr << 20
        if chance.random() < 0.3:
            instruction &= ~(31 << 15)
    return instruction if instruction & 3 == 3 else instruction & 0xFFFF


def draw(chance: random.Random, kind: str) -> Case:
    """A case of a kind. It may be one that never ends: a jump to itself."""
    return state_for(chance, _instruction(chance, kind))


def state_for(chance: random.Random, instruction: int) -> Case:
    """A drawn state for an instruction: what it accesses is likely to be worth it."""
    x = [_integer(chance) for _ in range(32)]
    pc = CODE + (0xFFE if chance.random() < 0.05 else 2 * chance.randrange(0x100, 0x180))
    if (access := instructions.access(instruction)) is not None:
        x[access.base] = (target(chance) - access.offset) & MASK64
    f = tuple(_float(chance) for _ in range(32))
    fcsr = chance.getrandbits(8) if chance.random() < 0.3 else chance.randrange(5) << 5
    window = tuple(_integer(chance) for _ in range(cases.WINDOW_WORDS))
    return Case(instruction, tuple(x[1:]), f, fcsr, pc, window)


def _integer(chance: random.Random) -> int:
    if chance.random() < 0.6:
        return chance.choice(INTEGERS)
    return chance.getrandbits(64) >> chance.randrange(64)


def target(chance: random.Random) -> int:
    """An address near something interesting."""
    at, around = chance.choice(TARGETS)
    address = (at + chance.randrange(-(1 << around), 1 << around)) & MASK64
    return address & ~7 if chance.random() < 0.5 else address


def _float(chance: random.Random) -> int:
    draw = chance.random()
    if draw < 0.35:
        return 0xFFFF_FFFF_0000_0000 | chance.choice(SINGLES)
    if draw < 0.5:
        return 0xFFFF_FFFF_0000_0000 | chance.getrandbits(32)
    return chance.choice(DOUBLES) if draw < 0.85 else chance.getrandbits(64)
