"""Before and after `main`.

    _start        the first instruction: a stack, then `prepare`, `main`, `finish`
    prepare       find the IPC buffer: in bootinfo, if we are the initial thread, else where component.py puts it;
                  the initial thread gives up the rights to its own image that it has no use for
    finish        the program is done: the initial thread suspends itself, a component tells its supervisor

A program begins with all registers 0, but an initial thread has bootinfo's address in a0. The stack is the
image's lowest part (pith.system.components), with addresses below it that are never mapped. A program is a module with

    @export("pith_main")
    def main(info: BootInfo) -> None:        # a component's has no parameter
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import IPCBuffer, MessageInfo
from pith.abi.objects import PAGE_BITS
from pith.metal import assembly, export, u64
from pith.metal.machine import panic, static_address

from . import page, tcb
from .capability import READ, READ_WRITE
from .console import flush
from .invocation import InvocationFailed
from .process import IPC_BUFFER_ADDRESS, process
from .supervision import SUPERVISOR, SupervisorCall
from .syscalls import send

PAGE_BYTES: Final = 1 << PAGE_BITS

START: Final = """
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
        protect(info)


def protect(info: BootInfo) -> None:
    """Leave each part of our image the rights that it needs, as a component's has them.

    The kernel maps an initial thread's image as seL4's does: readable, writable, executable throughout. Its frames' capabilities
    stand in the order of the addresses. A refusal leaves a program that cannot be trusted: it ends in `panic`.
    """
    frame: u64 = info.user_image_frames.start
    page_address: u64 = static_address("pith_stack_bottom")
    while page_address < static_address("pith_image_end"):
        is_text = static_address("pith_stack_top") <= page_address < static_address("pith_constants")
        is_writable = page_address < static_address("pith_stack_top") or page_address >= static_address(
            "pith_data"
        )
        try:
            page.map(
                frame,
                RootSlot.VSPACE,
                page_address,
                READ_WRITE if is_writable else READ,
                page.EXECUTABLE if is_text else page.NOT_EXECUTABLE,
            )
        except InvocationFailed:
            panic("the rights of the program's own image cannot be changed")
        frame += 1
        page_address += PAGE_BYTES


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
