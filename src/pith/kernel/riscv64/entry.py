"""Entry and exit: the assembly between a thread's registers and the kernel's Python.

While a thread runs, `sscratch` holds its Thread, whose first words are its registers; in the kernel it
holds 0, so that a trap inside the kernel, which must not be, is told from one out of a thread. There is one
stack, empty whenever a thread runs.

On the hosted machine none of this exists: there the machine itself moves registers and calls `handle_trap`.
"""

from __future__ import annotations

from typing import Final, NoReturn

from pith.abi.objects import PAGE_BITS
from pith.metal import OUTERMOST_FRAME, assembly, export

from ..objects import Register, Thread
from . import vspace
from .csr import SSTATUS_FS
from .window import IMAGE_OFFSET

STACK_BYTES: Final = 16384
SSTATUS_SIE: Final = 1 << 1
SSTATUS_SPP: Final = 1 << 8
ABI_NAMES: Final = [register.name.lower() for register in Register if register < Register.NEXT_PC]


def _offset(register: Register) -> int:
    return 8 * register


def _save() -> str:
    """Save all registers to the Thread at t0, except t0 itself, which sscratch holds."""
    saves = [f"sd {name}, {8 * index}(t0)" for index, name in enumerate(ABI_NAMES) if name != "t0"]
    return "\n".join(saves)


def _load() -> str:
    """Load all registers from the Thread at a0, itself last."""
    loads = [f"ld {name}, {8 * index}(a0)" for index, name in enumerate(ABI_NAMES) if name != "a0"]
    return "\n".join([*loads, f"ld a0, {_offset(Register.A0)}(a0)"])


def _map_text() -> str:
    """Translate as the kernel wants it: the loader may have mapped no more than the kernel's image.

    A root in .bss, with the window in its upper half and the image's gigabyte near the end, as
    `vspace.make_kernel_root` makes the final one.
    """
    page = vspace.kernel_page(0).bits
    image = vspace.kernel_page(vspace.IMAGE_BASE).bits
    return f"""
        la t0, pith_first_root
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
        sd t2, {8 * (vspace.index_of(IMAGE_OFFSET + vspace.IMAGE_BASE, vspace.TOP_LEVEL) - vspace.ENTRIES)}(t1)
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
        la sp, pith_stack_top
        la t0, pith_trap
        csrw stvec, t0
        csrw sscratch, zero
        csrw sie, zero
        li t0, {SSTATUS_SIE | SSTATUS_SPP | SSTATUS_FS}
        csrc sstatus, t0
        call pith_kernel_start
        call pith_kernel_resume
        j pith_resume

        .pushsection .bss.stack, "aw", @nobits
        .balign {1 << PAGE_BITS}
        pith_first_root:
        .space {8 * vspace.ENTRIES}
        .space {STACK_BYTES}
        pith_stack_top:
        .popsection
    """


def trap_text() -> str:
    """Into the kernel: save what the thread had, and go on in trap.py."""
    return f"""
        .balign 4
        .global pith_trap
        pith_trap:
        csrrw t0, sscratch, t0
        beqz t0, 1f
        {_save()}
        csrrw t1, sscratch, zero
        sd t1, {_offset(Register.T0)}(t0)
        csrr t1, sepc
        sd t1, {_offset(Register.NEXT_PC)}(t0)
        sd t1, {_offset(Register.FAULT_PC)}(t0)
        la sp, pith_stack_top - {OUTERMOST_FRAME}
        j pith_kernel_trap

        1:
        csrr a0, scause
        csrr a1, sepc
        csrr a2, stval
        la sp, pith_stack_top
        call pith_kernel_broken
    """


def resume_text() -> str:
    """Out of the kernel, into the Thread at a0."""
    return f"""
        csrw sscratch, a0
        ld t0, {_offset(Register.NEXT_PC)}(a0)
        csrw sepc, t0
        {_load()}
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
