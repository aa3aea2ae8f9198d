"""Two programs, each in an address space of its own, that talk through an endpoint: a client, and a server that adds.

    pith run examples/two_programs.py examples/adder.py

The kernel starts only the first. It makes the second, a component, from an untyped of its own: gives it an endpoint to serve
and nothing else, asks it for a sum, and waits for its end, or its fault, at the endpoint where components report.
"""

from __future__ import annotations

from typing import Final

from adder import AdderCall, AdderSlot

from pith.abi.bootinfo import BootInfo
from pith.abi.messages import MessageInfo
from pith.abi.objects import ObjectType
from pith.metal import export, static
from pith.runtime import archive, debug
from pith.runtime.archive import NotInArchive
from pith.runtime.capability import READ, CPtr
from pith.runtime.component import Component, supervisor
from pith.runtime.console import write
from pith.runtime.elf import BadElf
from pith.runtime.endpoint import request
from pith.runtime.faults import is_fault, write_fault
from pith.runtime.invocation import InvocationFailed
from pith.runtime.pool import PoolEmpty
from pith.runtime.syscalls import recv, send

MEMORY_BITS: Final = 18  # 256 KiB, of which all that the component needs is made
SLICE: Final = 5000  # microseconds
ADDER_BADGE: Final = 1  # tells its reports from those of other components

adder: Final = static(Component)


@export("pith_main")
def main(info: BootInfo) -> None:
    try:
        supervisor.set_up(info)
        requests = supervisor.pool.make(ObjectType.ENDPOINT)
        start_adder(requests)
        answer = request(requests, AdderCall.ADD, 40, 2).word0
        write(f"40 + 2 is {answer}\n")
        send(requests, MessageInfo(label=AdderCall.LEAVE))
        wait_for_end()
        debug.halt()
    except InvocationFailed as failure:
        write(f"the kernel refused operation {int(failure.operation)}: error {failure.code}\n")
    except PoolEmpty:
        write("no memory is left\n")
    except NotInArchive:
        write("there is no program `adder` in my image\n")
    except BadElf as failure:
        write(f"the adder is no proper program: reason {int(failure.reason)}\n")


def start_adder(requests: CPtr) -> None:
    """Make the component: its program, what it may touch, its time."""
    adder.create("adder", ADDER_BADGE, MEMORY_BITS)
    adder.load(archive.program("adder"))
    adder.give(AdderSlot.REQUESTS, requests, READ)
    adder.give_copy(AdderSlot.REPLY, adder.pool.make(ObjectType.REPLY))
    adder.start(priority=200, budget=SLICE, period=SLICE)


def wait_for_end() -> None:
    """Hear how the adder ended, and take back all that it was made of."""
    report = recv(supervisor.endpoint, supervisor.pool.make(ObjectType.REPLY))
    write("adder ")
    if is_fault(report):
        write_fault(report)
    else:
        write("is done")
    adder.kill()
    write("; its memory is free again\n")
