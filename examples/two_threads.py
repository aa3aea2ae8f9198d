"""Two threads in one address space that pass a number to and fro.

    pith run examples/two_threads.py

The second thread is made of three kernel objects: a TCB, a scheduling context (without time it would not run), and an
endpoint to talk through. It shares our memory and our capabilities. It calls; we answer, and each answer is the next number.
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import CNodeData, MessageInfo
from pith.abi.objects import ObjectType
from pith.metal import Array, Struct, array, export, static, u64
from pith.metal.machine import static_address
from pith.runtime import debug, sched_control, syscalls, tcb
from pith.runtime.capability import NULL
from pith.runtime.console import write
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty, stock_from_bootinfo

ROUNDS: Final = 3
PRIORITY: Final = 100
SLICE: Final = 5000  # microseconds
ONE_WORD: Final = MessageInfo(length=1)


class Shared(Struct, align=16):
    """What both threads see, and the second one's stack."""

    endpoint: u64
    stack: Array[u64] = array(512, offset=16)


shared: Final = static(Shared)
pool: Final = static(Pool)
registers: Final = static(tcb.UserContext)


@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        stock_from_bootinfo(pool, info)
        shared.endpoint = pool.make(ObjectType.ENDPOINT)
        reply = pool.make(ObjectType.REPLY)
        start_second(info)
        message = syscalls.recv(shared.endpoint, reply)
        for _ in range(ROUNDS):
            write(f"first:  got {message.word0}\n")
            answer: u64 = message.word0 + 1
            message = syscalls.reply_recv(shared.endpoint, reply, ONE_WORD, answer)
        write("first:  that is enough\n")
        debug.halt()
    except InvocationFailed as failure:
        write(f"the kernel refused operation {int(failure.operation)}: error {failure.code}\n")
    except PoolEmpty:
        write("no memory is left\n")


def start_second(info: BootInfo) -> None:
    """Make the second thread, and let it run."""
    thread = pool.make(ObjectType.TCB)
    time = pool.make(ObjectType.SCHED_CONTEXT, 8)
    sched_control.configure(info.sched_control.start, time, SLICE, SLICE, 0, 0, 0)
    # It sends no long messages, so it needs no IPC buffer; its faults are nobody's.
    tcb.configure(thread, RootSlot.CNODE, CNodeData(guard_size=0, guard=0), RootSlot.VSPACE, 0, NULL)
    tcb.set_sched_params(thread, RootSlot.TCB, 0, PRIORITY, time, NULL)
    registers.pc = static_address("second_thread")
    registers.sp = shared.stack.address + 8 * len(shared.stack)
    tcb.write_registers(thread, True, registers)


@export("second_thread")
def second() -> None:
    """Where the second thread begins. Nobody is there to return to, so it never does."""
    number: u64 = 1
    while True:
        write(f"second: I send {number}\n")
        number = syscalls.call(shared.endpoint, ONE_WORD, number).word0
