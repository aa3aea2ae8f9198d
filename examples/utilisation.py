"""Who uses the processor? A kernel built for it counts the cycles of each thread, of its own work, and of idleness.

    pith run examples/utilisation.py --benchmark utilisation

A worker that may use a quarter of the processor counts down from a large number. We wait for it, and look at the figures then.
"""

from __future__ import annotations

from typing import Final

from pith.abi.benchmark import Utilisation
from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.messages import CNodeData
from pith.abi.objects import ObjectType
from pith.metal import Array, Struct, array, export, static, u64
from pith.metal.machine import static_address
from pith.runtime import benchmark, counters, debug, notification, sched_control, tcb
from pith.runtime.capability import NULL
from pith.runtime.console import write
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty, stock_from_bootinfo

BUDGET: Final = 1000  # microseconds
PERIOD: Final = 4000
ROUNDS: Final = 4_000_000  # of two instructions


class Shared(Struct, align=16):
    """What we share with the worker, and its stack."""

    done: u64
    stack: Array[u64] = array(512, offset=16)


shared: Final = static(Shared)
pool: Final = static(Pool)
registers: Final = static(tcb.UserContext)


@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        stock_from_bootinfo(pool, info)
        shared.done = pool.make(ObjectType.NOTIFICATION)
        worker = make_worker(info)
        debug.name_thread(RootSlot.TCB, "initial")
        debug.name_thread(worker, "worker")
        benchmark.reset_log()
        tcb.resume(worker)
        notification.wait(shared.done)
        benchmark.finalize_log()
        benchmark.get_thread_utilisation(worker)
        print_figures()
        benchmark.dump_all_threads_utilisation()
        debug.halt()
    except InvocationFailed as failure:
        write(f"the kernel refused operation {int(failure.operation)}: error {failure.code}\n")
    except PoolEmpty:
        write("no memory is left\n")


def make_worker(info: BootInfo) -> u64:
    """A thread that is ready to begin."""
    thread, time = pool.make(ObjectType.TCB), pool.make(ObjectType.SCHED_CONTEXT, 8)
    sched_control.configure(info.sched_control.start, time, BUDGET, PERIOD, 0, 0, 0)
    tcb.configure(thread, RootSlot.CNODE, CNodeData(guard_size=0, guard=0), RootSlot.VSPACE, 0, NULL)
    tcb.set_sched_params(thread, RootSlot.TCB, 0, 100, time, NULL)
    registers.pc = static_address("utilisation_worker")
    registers.sp = shared.stack.address + 8 * len(shared.stack)
    tcb.write_registers(thread, False, registers)
    return thread


@export("utilisation_worker")
def work() -> None:
    """Use the processor, then say so."""
    counters.count_down(ROUNDS)
    notification.signal(shared.done)
    while True:
        notification.wait(shared.done)


def print_figures() -> None:
    total = benchmark.told(Utilisation.TOTAL_CYCLES)
    print_share("worker", benchmark.told(Utilisation.CYCLES), total)
    print_share("  of these in the kernel", benchmark.told(Utilisation.KERNEL_CYCLES), total)
    print_share("nobody", benchmark.told(Utilisation.IDLE_CYCLES), total)
    print_share("kernel, for all", benchmark.told(Utilisation.TOTAL_KERNEL_CYCLES), total)
    switches, entries = benchmark.told(Utilisation.SWITCHES), benchmark.told(Utilisation.KERNEL_ENTRIES)
    write(f"The worker was switched to {switches} times, and entered the kernel {entries} times.\n")


def print_share(who: str, cycles: u64, total: u64) -> None:
    percent: u64 = 100 * cycles // max(total, 1)
    write(who)
    write(f": {cycles} cycles, {percent} percent\n")
