"""What does the kernel do, and how long does it take? A kernel built for it writes a log of its entries.

    pith run examples/kernel_log.py --benchmark entries

The log is a page of 2 MiB of ours. Between reset_log and finalize_log the kernel writes a record of each of its entries: when, for how
many cycles, why, and what a system call asked for. A server without time of its own is there to be called: that goes by the fast path.
"""

from __future__ import annotations

from typing import Final

from pith.abi.benchmark import RECORDS, Path, Record, Request
from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import CapRights, CNodeData, MessageInfo
from pith.abi.objects import ObjectType
from pith.metal import Array, Struct, array, export, static, u64
from pith.metal.machine import static_address
from pith.runtime import (
    benchmark,
    debug,
    notification,
    page,
    page_table,
    sched_context,
    sched_control,
    syscalls,
    tcb,
)
from pith.runtime.capability import NULL
from pith.runtime.console import write
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty, stock_from_bootinfo

LOG: Final = 0x10_0000_0000  # where we see it: a multiple of 2 MiB
READ_ONLY: Final = CapRights(can_write=False, can_read=True, can_grant=False, can_grant_reply=False)
SLICE: Final = 5000  # microseconds
ONE_WORD: Final = MessageInfo(length=1)


class Shared(Struct, align=16):
    """What we share with the server, and its stack."""

    endpoint: u64
    reply: u64
    stack: Array[u64] = array(512, offset=16)


shared: Final = static(Shared)
pool: Final = static(Pool)
registers: Final = static(tcb.UserContext)


@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        stock_from_bootinfo(pool, info)
        start_server(info)
        signal = pool.make(ObjectType.NOTIFICATION)
        log = make_log()
        if benchmark.set_log_buffer(log) != 0 or benchmark.reset_log() != 0:
            write("the kernel takes no log: was it built for one?\n")
            return
        benchmark.null_syscall()
        notification.signal(signal)
        notification.poll(signal)
        tcb.set_priority(RootSlot.TCB, RootSlot.TCB, 90)
        syscalls.call(shared.endpoint, ONE_WORD, 1)
        syscalls.yield_()
        print_log(benchmark.finalize_log())
        debug.halt()
    except InvocationFailed as failure:
        write(f"the kernel refused operation {int(failure.operation)}: error {failure.code}\n")
    except PoolEmpty:
        write("no memory is left\n")


def make_log() -> u64:
    """A large page, which we see at LOG."""
    log = pool.make(ObjectType.MEGA_PAGE)
    page_table.map(pool.make(ObjectType.PAGE_TABLE), RootSlot.VSPACE, LOG)
    page.map(log, RootSlot.VSPACE, LOG, READ_ONLY, page.NOT_EXECUTABLE)
    return log


def start_server(info: BootInfo) -> None:
    """Make a thread that answers calls, let it come to where it waits, and take its time away."""
    thread, time = pool.make(ObjectType.TCB), pool.make(ObjectType.SCHED_CONTEXT, 8)
    shared.endpoint, shared.reply = pool.make(ObjectType.ENDPOINT), pool.make(ObjectType.REPLY)
    sched_control.configure(info.sched_control.start, time, SLICE, SLICE, 0, 0, 0)
    tcb.configure(thread, RootSlot.CNODE, CNodeData(guard_size=0, guard=0), RootSlot.VSPACE, 0, NULL)
    tcb.set_sched_params(thread, RootSlot.TCB, 0, 200, time, NULL)
    registers.pc = static_address("kernel_log_server")
    registers.sp = shared.stack.address + 8 * len(shared.stack)
    tcb.set_priority(RootSlot.TCB, RootSlot.TCB, 100)
    tcb.write_registers(thread, True, registers)  # it is of higher priority, so it runs now, and waits
    sched_context.unbind(time)


@export("kernel_log_server")
def server() -> None:
    """Answer every call with the same word."""
    message = syscalls.recv(shared.endpoint, shared.reply)
    while True:
        message = syscalls.reply_recv(shared.endpoint, shared.reply, ONE_WORD, message.word0)


def print_log(count: u64) -> None:
    """A line a record; cycles are counted from the first."""
    records = Array[Record].at(LOG, RECORDS)
    write("  start  cycles  why\n")
    for index in range(count):
        record = records[index]
        since_first: u64 = record.start - records[0].start
        write(f"{since_first:06d}  {record.duration:06d}  ")
        if record.path == Path.SYSCALL:
            print_request(request_of(record))
        elif record.path == Path.UNKNOWN_SYSCALL:
            write("a debug or benchmark call\n")
        elif record.path == Path.INTERRUPT:
            write("an interrupt\n")
        else:
            write("a fault\n")


def request_of(record: Record) -> Request:
    word: u64 = 0
    for byte in range(4):
        word |= record.request[byte] << 8 * byte
    return Request.from_bits(word & 0xFFFF_FFFF)


def print_request(request: Request) -> None:
    write(f"system call -{request.number}, capability type {request.cap_type}, label {request.label}")
    if request.is_fastpath:
        write(", by the fast path")
    write("\n")
