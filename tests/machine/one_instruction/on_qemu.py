"""The cases on QEMU: a bare program in supervisor mode that puts each case into place, runs it, and notes what it left."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pith.machine.image import BootImage, Table
from pith.machine.qemu import QemuMachine
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

from . import cases
from .cases import RECORD, Case, Outcome

GENERAL: Final = range(1, 31)  # x31 holds the record meanwhile
BYTES: Final = RECORD.size

HARNESS: Final = f"""
    la t0, trap
    csrw stvec, t0
    li t0, {cases.SATP}
    csrw satp, t0
    sfence.vma
    csrw sie, zero
    li t0, 7
    csrw scounteren, t0
    li t0, 0x6100                   # no floating-point state is off, and the previous mode ...
    csrs sstatus, t0
    li t0, 0x100                    # ... is user mode
    csrc sstatus, t0
    li s0, {cases.RECORDS}
    ld s1, -8(s0)                   # how many there are
next:
    beqz s1, done
    la t0, left
    sd s1, (t0)
    ld t0, (s0)
    csrw sepc, t0
    li t1, {cases.CODE_PAGES - cases.CODE}
    add t1, t1, t0
    lw t2, {8 * cases.INSTRUCTION}(s0)
    sh t2, (t1)
    srl t2, t2, 16
    sh t2, 2(t1)
    fence.i
    li t1, {cases.FIRST_DATA + 0xFE0}
    li t2, {cases.SECOND_DATA}
""" + "".join(f"""
    ld t0, {8 * (cases.WINDOW + n)}(s0)
    sd t0, {8 * n}(t1)
    ld t0, {8 * (cases.WINDOW + 4 + n)}(s0)
    sd t0, {8 * n}(t2)
""" for n in range(4)) + "".join(f"fld f{n}, {8 * (cases.F + n)}(s0)\n" for n in range(32)) + f"""
    ld t0, {8 * cases.FCSR}(s0)
    csrw fcsr, t0
    csrw sscratch, s0
    mv x31, s0
""" + "".join(f"ld x{n}, {8 * n}(x31)\n" for n in GENERAL) + """
    ld x31, 248(x31)
    sret

    .balign 4
trap:
    csrrw x31, sscratch, x31
""" + "".join(f"sd x{n}, {8 * n}(x31)\n" for n in GENERAL) + """
    mv s0, x31
    csrr t0, sscratch
    sd t0, 248(s0)
""" + "".join(f"fsd f{n}, {8 * (cases.F + n)}(s0)\n" for n in range(32)) + f"""
    csrr t0, fcsr
    sd t0, {8 * cases.FCSR}(s0)
    csrr t0, scause
    sd t0, {8 * cases.CAUSE}(s0)
    csrr t0, stval
    sd t0, {8 * cases.VALUE}(s0)
    csrr t0, sepc
    sd t0, {8 * cases.WENT}(s0)
    li t1, {cases.FIRST_DATA + 0xFE0}
    li t2, {cases.SECOND_DATA}
""" + "".join(f"""
    ld t0, {8 * n}(t1)
    sd t0, {8 * (cases.WINDOW + n)}(s0)
    ld t0, {8 * n}(t2)
    sd t0, {8 * (cases.WINDOW + 4 + n)}(s0)
""" for n in range(4)) + f"""
    ld t0, (s0)
    li t1, {cases.CODE_PAGES - cases.CODE}
    add t1, t1, t0
    li t2, {cases.BREAKPOINT}
    sh t2, (t1)
    sh t2, 2(t1)
    add s0, s0, {BYTES}
    la t0, left
    ld s1, (t0)
    add s1, s1, -1
    j next
done:
    li a7, 1
    li a0, {ord("!")}
    ecall
1:  wfi
    j 1b
    .balign 8
left: .dword 0
"""  # fmt: skip


def outcomes(tried: Sequence[Case], directory: Path) -> list[Outcome]:
    content = bytearray(machine_code(HARNESS).ljust(cases.ROOT - cases.HARNESS, b"\0") + cases.memory())
    content[-8:] = struct.pack("<Q", len(tried))
    content += b"".join(case.record() for case in tried)
    path = Path(directory, "harness.bin")
    path.write_bytes(content)
    image = BootImage(path, Table(0, 0, 0, 0, cases.HARNESS, 0, 0, 0), ())
    with QemuMachine(image, memory=256 << 20) as machine:
        machine.wait_for("!", seconds=ENOUGH)
        records = machine.read_memory(cases.RECORDS, BYTES * len(tried))
    return [Outcome.of(case, record) for case, record in zip(tried, RECORD.iter_unpack(records), strict=True)]
