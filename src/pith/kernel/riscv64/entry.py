"""Entry and exit: the assembly between a thread's registers and the kernel's Python.

While a thread runs, `sscratch` holds its Thread; in the kernel it holds 0, so that a trap inside the kernel, which
must not be, is told from one out of a thread. There is one stack, empty whenever a thread runs, and on a page's border,
so that one instruction names it.

On the hosted machine none of this exists: there the machine itself moves registers and calls `handle_trap`.
"""

from __future__ import annotations

from typing import Final, NoReturn

from pith.abi.objects import PAGE_BITS
from pith.metal import OUTERMOST_FRAME, assembly, export

from ..objects import Register, Thread
from . import vspace
from .csr import SSTATUS_FS
from .window import IMAGE_BASE, IMAGE_OFFSET

STACK_BYTES: Final = 16384
KERNEL_ROOT: Final = "pith.kernel.boot.kernel_root"
SSTATUS_SIE: Final = 1 << 1
SSTATUS_SPP: Final = 1 << 8
SSTATUS_VS: Final = 0b11 << 9  # the vector unit, which no thread may use: nobody would save its registers


def _offset(register: Register) -> int:
    return Thread.layout().fields["registers"].offset + 8 * register


def _move(operation: str) -> str:
    """Save or load all registers, to or from the Thread at sp, but for sp itself.

    At sp, for what is moved relative to it takes half the bytes: two cache lines less on the way in and out.
    """
    others = [register for register in Register if register < Register.NEXT_PC and register != Register.SP]
    return "\n".join(f"{operation} {register.name.lower()}, {_offset(register)}(sp)" for register in others)


def _map_text() -> str:
    """Translate as the kernel wants it: the loader may have mapped no more than the kernel's image.

    The window in the upper half of the kernel's root, and the image's gigabyte near its end: what
    `vspace.make_kernel_root` says once more, in Python, where the kernel is at home on every machine.
    """
    page = vspace.kernel_page(0).bits
    image = vspace.kernel_page(IMAGE_BASE).bits
    return f"""
        la t0, {KERNEL_ROOT}
        li t1, {8 * vspace.USER_ENTRIES}
        add t1, t0, t1
        li t2, {page}
        li t3, {vspace.kernel_page(1 << vspace.span_bits(vspace.TOP_LEVEL)).bits - page}
        li t4, {vspace.ENTRIES - vspace.USER_ENTRIES}
        1:
        sd t2, (t1)
        add t2, t2, t3
        addi t1, t1, 8
        addi t4, t4, -1
        bnez t4, 1b
        li t2, {image}
        sd t2, {8 * (vspace.index_of(IMAGE_OFFSET + IMAGE_BASE, vspace.TOP_LEVEL) - vspace.ENTRIES)}(t1)
        li t1, {IMAGE_OFFSET:#x}
        sub t0, t0, t1
        srli t0, t0, {PAGE_BITS}
        li t1, {vspace.SATP_SV39:#x}
        or t0, t0, t1
        sfence.vma
        csrw satp, t0
        sfence.vma
    """


def start_text() -> str:
    """The kernel's first instructions: its mappings, a stack, traps to us, then Python; a0-a5 pass through."""
    return f"""
        {_map_text()}
        lui sp, %hi(pith_stack)
        la t0, pith_trap
        csrw stvec, t0
        csrw sscratch, zero
        csrw sie, zero
        li t0, {SSTATUS_SIE | SSTATUS_SPP | SSTATUS_FS | SSTATUS_VS}
        csrc sstatus, t0
        call pith_kernel_start
        call pith_kernel_resume
        j pith_resume

        .pushsection .bss.stack, "aw", @nobits
        .balign {1 << PAGE_BITS}
        .space {STACK_BYTES}
        pith_stack:
        .space {OUTERMOST_FRAME}
        .popsection
    """


def trap_text() -> str:
    """Into the kernel: save what the thread had, and go on in trap.py."""
    return f"""
        .balign 4
        .global pith_trap
        pith_trap:
        csrrw sp, sscratch, sp
        beqz sp, 1f
        {_move("sd")}
        csrrw t0, sscratch, zero
        sd t0, {_offset(Register.SP)}(sp)
        csrr t0, sepc
        sd t0, {_offset(Register.FAULT_PC)}(sp)
        lui sp, %hi(pith_stack)
        tail pith_kernel_trap

        1:
        csrr a0, scause
        csrr a1, sepc
        csrr a2, stval
        lui sp, %hi(pith_stack)
        call pith_kernel_broken
    """


def resume_text() -> str:
    """Out of the kernel, into the Thread at a0."""
    return f"""
        csrw sscratch, a0
        mv sp, a0
        ld t0, {_offset(Register.NEXT_PC)}(sp)
        csrw sepc, t0
        {_move("ld")}
        ld sp, {_offset(Register.SP)}(sp)
        sret
    """


@export("pith_entry")
@assembly(start_text)
def enter() -> None:
    """Where the loader jumps to: the kernel's entry point."""
    raise NotImplementedError("on the hosted machine the machine starts the kernel")


@export("pith_trap_entry")
@assembly(trap_text)
def trap() -> None:
    """Where the processor jumps to from a thread; see `start_text` for stvec."""
    raise NotImplementedError("on the hosted machine the machine takes traps")


@export("pith_resume")
@assembly(resume_text)
def resume(thread: Thread) -> NoReturn:
    """Leave the kernel for the thread."""
    raise NotImplementedError("on the hosted machine the machine resumes threads")
