"""From LLVM text to riscv64 objects and ELF files, by the clang and lld that the `ziglang` package brings.

A `Target` says what code may use. The kernel's never touches floating-point registers, which belong to user
threads; a user program's may. Both are position-dependent, addressed relative to the program counter, so that the
same code can stand at the bottom or the top of the address space; where is the linker script's matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import zig


@dataclass(frozen=True)
class Target:
    """A kind of riscv64 code."""

    name: str
    features: str
    abi: str


KERNEL = Target("kernel", "generic_rv64+m+a+c+zicsr+zifencei+relax", "lp64")
USER = Target("user", "generic_rv64+m+a+f+d+c+zicsr+zifencei+relax", "lp64d")

_COMPILE = [
    "-mcmodel=medany", "-ffreestanding", "-g0", "-fno-pic", "-ffunction-sections", "-fdata-sections",
    "-mllvm", "-expand-div-rem-bits=64",  # there is no library that divides 128 bits
    "-mllvm", "-enable-ipra",  # see llvm.py
    "-Werror=frame-larger-than",  # of outermost functions, see functions.py
    "-Wno-override-module", "-Wno-unused-command-line-argument",
]  # fmt: skip

MEMORY_FUNCTIONS = """\
# memset, memcpy and memmove: clang calls them for what it would rather not expand. Words while all is aligned.
.globl memset, memcpy, memmove
.section .text.memset,"ax",@progbits
memset:
    mv      t0, a0
    or      t1, a0, a2
    andi    t1, t1, 7
    bnez    t1, 3f
    andi    a1, a1, 255
    slli    t2, a1, 8
    or      a1, a1, t2
    slli    t2, a1, 16
    or      a1, a1, t2
    slli    t2, a1, 32
    or      a1, a1, t2
    add     t1, a0, a2
    andi    t2, a2, -64
    add     t2, t2, a0
    beq     t0, t2, 2f
1:  sd      a1, 0(t0)
    sd      a1, 8(t0)
    sd      a1, 16(t0)
    sd      a1, 24(t0)
    sd      a1, 32(t0)
    sd      a1, 40(t0)
    sd      a1, 48(t0)
    sd      a1, 56(t0)
    addi    t0, t0, 64
    bne     t0, t2, 1b
2:  beq     t0, t1, 4f
    sd      a1, 0(t0)
    addi    t0, t0, 8
    j       2b
3:  beqz    a2, 4f
    sb      a1, 0(t0)
    addi    t0, t0, 1
    addi    a2, a2, -1
    j       3b
4:  ret
.section .text.memcpy,"ax",@progbits
memmove:
memcpy:
    sub     t1, a0, a1
    bltu    t1, a2, 5f  # the target starts inside the source: copy from the end
    mv      t0, a0
    or      t1, a0, a1
    or      t1, t1, a2
    andi    t1, t1, 7
    add     t2, a1, a2
    bnez    t1, 3f
    andi    t3, a2, -32
    add     t3, t3, a1
    beq     a1, t3, 2f
1:  ld      t4, 0(a1)
    ld      t5, 8(a1)
    ld      t6, 16(a1)
    ld      a3, 24(a1)
    sd      t4, 0(t0)
    sd      t5, 8(t0)
    sd      t6, 16(t0)
    sd      a3, 24(t0)
    addi    a1, a1, 32
    addi    t0, t0, 32
    bne     a1, t3, 1b
2:  beq     a1, t2, 4f
6:  ld      t4, 0(a1)
    sd      t4, 0(t0)
    addi    a1, a1, 8
    addi    t0, t0, 8
    bne     a1, t2, 6b
    ret
3:  beq     a1, t2, 4f
    lbu     t4, 0(a1)
    sb      t4, 0(t0)
    addi    a1, a1, 1
    addi    t0, t0, 1
    j       3b
4:  ret
5:  beqz    a2, 4b
    addi    a2, a2, -1
    add     t0, a1, a2
    lbu     t4, 0(t0)
    add     t0, a0, a2
    sb      t4, 0(t0)
    j       5b
"""


def compile_llvm(
    source: Path, output: Path, target: Target, optimisation: str = "2", assembly: bool = False
) -> None:
    """Compile LLVM text (or assemble an .s file) to an object, or to assembly text."""
    machine = ["-target", "riscv64-freestanding", f"-mcpu={target.features}", f"-mabi={target.abi}"]
    what = "-S" if assembly else "-c"
    files = [str(source), "-o", str(output)]
    zig.run("cc", *machine, *_COMPILE, f"-O{optimisation}", what, *files, directory=output.parent)


def assemble(text: str, output: Path, target: Target) -> None:
    """Assemble text to an object; the text is kept beside it."""
    source = output.with_suffix(".s")
    source.write_text(text)
    compile_llvm(source, output, target)


def link(objects: list[Path], output: Path, script: str, target: Target) -> None:
    """Link objects by a linker script, with the memory functions, without what nothing reaches."""
    functions = output.with_suffix(".memory.o")
    assemble(MEMORY_FUNCTIONS, functions, target)
    script_file = output.with_suffix(".ld")
    script_file.write_text(script)
    options = [
        "--gc-sections",
        "-z",
        "max-page-size=4096",
        "-z",
        "noexecstack",
        "--no-dynamic-linker",
        "-static",
    ]
    files = [str(o) for o in (*objects, functions)]
    zig.run("ld.lld", *options, "-T", str(script_file), "-o", str(output), *files, directory=output.parent)
