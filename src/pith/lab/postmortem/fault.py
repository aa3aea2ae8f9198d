"""What a thread did that it may not, in words.

Causes are those of the RISC-V privileged specification (scause), as FaultKind keeps them; what the page tables say about an address is
looked up, for the cause alone does not tell memory that is missing from memory that is protected.
"""

from __future__ import annotations

from typing import Final

from pith.abi.syscalls import DebugCall, SystemCall
from pith.kernel.objects import FaultKind, Register
from pith.machine.translation import READ, WRITE

from .backtrace import Unwinder
from .memory import Memory, ThreadView

FETCH_ACCESS, LOAD_ACCESS, STORE_ACCESS = 1, 5, 7
ILLEGAL_INSTRUCTION: Final = 2
EXCEPTIONS: Final = {
    0: "jumped to an address that is not even",
    2: "met an illegal instruction",
    3: "met a breakpoint",
    4: "read from an address that is not aligned",
    6: "wrote to an address that is not aligned",
}
TRAPS: Final = (0x0000, 0xC0001073)  # c.unimp and unimp: where compilers put an end
BITS: Final = 64


def overflow(thread: ThreadView, program: Unwinder | None) -> int | None:
    """The size of the stack that the thread grew out of; None if that is not what happened.

    The stack is the lowest part of a program, so what lies between the stack pointer and its bottom can only be a
    frame that found no room. A frame may be larger than all addresses below: numbers are signed here.
    """
    names = program.symbols.names if program else {}
    if thread.fault != FaultKind.VM or "pith_stack_bottom" not in names:
        return None
    bottom, top = names["pith_stack_bottom"], names["pith_stack_top"]
    address, pointer = _signed(thread.words[0]), _signed(thread.sp)
    return top - bottom if pointer <= address < bottom else None


def deed(thread: ThreadView, memory: Memory, program: Unwinder | None) -> str:
    """What the thread did, as the end of a sentence that begins with who it was."""
    first, second = thread.words[:2]
    match thread.fault:
        case FaultKind.VM:
            if (size := overflow(thread, program)) is not None:
                return f"overflowed its stack of {size // 1024} KiB"
            return _access(memory, thread.root, first, second)
        case FaultKind.USER_EXCEPTION if first == ILLEGAL_INSTRUCTION:
            return f"met an illegal instruction, {_instruction(thread, memory)}"
        case FaultKind.USER_EXCEPTION:
            return EXCEPTIONS.get(first, f"met exception {first}")
        case FaultKind.UNKNOWN_SYSCALL:
            return f"made system call {_signed(first)}, which this kernel does not have"
        case FaultKind.CAPABILITY:
            return f"used capability {first:#x}, which it does not have"
        case _:
            return "stopped at a fault"


def _access(memory: Memory, root: int, address: int, cause: int) -> str:
    page = memory.page_of(root, address)
    if page is None:
        what = {FETCH_ACCESS: "jumped to", LOAD_ACCESS: "read"}.get(cause, "wrote")
        return f"{what} address {address:#x}, where it has no memory"
    if cause == STORE_ACCESS and not page.rights & WRITE:
        return f"wrote address {address:#x}, which it may not write"
    if cause == FETCH_ACCESS:
        return f"jumped to address {address:#x}, which it may not execute"
    if cause == LOAD_ACCESS and not page.rights & READ:
        return f"read address {address:#x}, which it may not read"
    return f"had no access to address {address:#x}"


def _instruction(thread: ThreadView, memory: Memory) -> str:
    """The instruction as it is encoded: two bytes, or four if its lowest bits are set."""
    raw = memory.read_program(thread.root, thread.pc, 4)
    word = int.from_bytes(raw, "little")
    is_short = len(raw) < 4 or word & 3 != 3
    word = word & 0xFFFF if is_short else word
    return f"{word:#0{6 if is_short else 10}x}" + (" (unimp)" if word in TRAPS else "")


def remedy(thread: ThreadView, program: Unwinder | None) -> str:
    """What the user may try, where the fault itself tells; empty elsewhere."""
    if (size := overflow(thread, program)) is not None:
        return f"a larger stack (pith run --stack {2 * size // 1024}K, or in the program: docs/user-programs.md), or smaller frames"
    number = _signed(thread.words[0])
    if thread.fault == FaultKind.UNKNOWN_SYSCALL and number in {int(call) for call in DebugCall}:
        return f"{DebugCall(number).name} is a debug call: boot without --release, or build the program for release kernels"
    if _is_without_mcs(thread):
        return "it looks built for a kernel without MCS, where that call prints a character: build it with KernelIsMCS=ON"
    return ""


def _is_without_mcs(thread: ThreadView) -> bool:
    """Whether it waits on a letter: DebugPutChar of kernels without MCS has the number that Wait has here."""
    call, address = _signed(thread.registers[Register.A7]), thread.words[0]
    return thread.fault == FaultKind.CAPABILITY and call == SystemCall.WAIT and 0 < address < 0x80


def _signed(word: int) -> int:
    return word - (1 << BITS) if word >> BITS - 1 else word
