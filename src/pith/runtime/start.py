"""Before and after `main`.

    _start        the first instruction: a stack, then `prepare`, `main`, `finish`
    prepare       find the IPC buffer: in bootinfo, if we are the initial thread, else where component.py puts it
    finish        the program is done: the initial thread suspends itself, a component tells its supervisor

A program begins with all registers 0, but an initial thread has bootinfo's address in a0. The stack is part of
the image; the linker script puts it behind a page that stays unmapped in components. A program is a module with

    @export("pith_main")
    def main(info: BootInfo) -> None:        # a component's has no parameter
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import IPCBuffer, MessageInfo
from pith.metal import assembly, export, u64

from . import tcb
from .console import flush
from .invocation import InvocationFailed
from .process import IPC_BUFFER_ADDRESS, process
from .supervision import SUPERVISOR, SupervisorCall
from .syscalls import send

STACK_BYTES: Final = 32 * 1024

START: Final = f"""
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, pith_stack_top
    mv      s0, a0
    call    pith_prepare
    mv      a0, s0
    call    pith_main
    call    pith_finish
    unimp

    .pushsection .stack, "aw", @nobits
    .balign 16
    .space  {STACK_BYTES}
pith_stack_top:
    .popsection
"""


@export("_start")
@assembly(START)
def start(bootinfo: u64) -> None:
    """The program's first instruction."""


@export("pith_prepare")
def prepare(bootinfo: u64) -> None:
    """Remember what the rest of the runtime asks for."""
    info = BootInfo.maybe_at(bootinfo)
    if info is None:
        process.ipc_buffer = IPCBuffer.at(IPC_BUFFER_ADDRESS)
    else:
        process.is_initial = True
        process.ipc_buffer = IPCBuffer.at(info.ipc_buffer)


@export("pith_finish")
def finish() -> None:
    """`main` has returned."""
    flush()
    if not process.is_initial:
        send(SUPERVISOR, MessageInfo(label=SupervisorCall.FINISHED))
        return  # and meet an instruction that does not exist, unless the supervisor has stopped us
    try:
        tcb.suspend(RootSlot.TCB)
    except InvocationFailed:
        return
