"""Makes every debug call; the last one halts the machine."""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import BootInfo, RootSlot
from pith.abi.objects import ObjectType
from pith.metal import export, static
from pith.runtime import debug
from pith.runtime.console import write
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import Pool, PoolEmpty, stock_from_bootinfo

pool: Final = static(Pool)


@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        stock_from_bootinfo(pool, info)
        endpoint = pool.make(ObjectType.ENDPOINT)
        debug.put_char(ord("!"))
        write(f"\nnothing {debug.cap_identify(0)}, nowhere {debug.cap_identify(1 << 40)}, ")
        write(f"thread {debug.cap_identify(RootSlot.TCB)}, endpoint {debug.cap_identify(endpoint)}\n")
        write(f"control of time {debug.cap_identify(info.sched_control.start)}, domains ")
        write(
            f"{debug.cap_identify(RootSlot.DOMAIN)}, interrupts {debug.cap_identify(RootSlot.IRQ_CONTROL)}\n"
        )
        debug.dump_scheduler()
        debug.name_thread(RootSlot.TCB, "a thread whose name is cut off at its end")
        debug.dump_scheduler()
        debug.name_thread(RootSlot.TCB, "first")
        debug.dump_scheduler()
        debug.name_thread(endpoint, "no thread")
        pool.make(ObjectType.TCB)
        debug.snapshot()
        debug.halt()
        write("not reached\n")
    except InvocationFailed:
        write("refused\n")
    except PoolEmpty:
        write("no memory\n")
