"""Invocations: from a capability to its object's operation.

What the kernel itself offers; messages to other threads (endpoints, notifications, replies) are syscall.py's.
Manual: "Kernel Objects", and the API reference.
"""

from __future__ import annotations

from pith.metal import inline, u7

from . import cnode, domain, interrupt, untyped
from .context_invocation import invoke_context, invoke_control
from .errors import InvalidCapability
from .message import Invocation
from .objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    PageTableCap,
    SchedContextCap,
    SchedControlCap,
    ThreadCap,
    UntypedCap,
)
from .riscv64 import asid, frame, page_table
from .thread_invocation import invoke_thread


@inline
def invoke(cap: Cap, call: Invocation) -> u7:
    """Do what `call` asks of the capability's object; how many words of the answer were put."""
    match cap:
        case UntypedCap():
            return untyped.invoke(cap, call)
        case CNodeCap():
            return cnode.invoke(cap, call)
        case ThreadCap():
            return invoke_thread(cap, call)
        case SchedContextCap():
            return invoke_context(cap, call)
        case SchedControlCap():
            return invoke_control(cap, call)
        case FrameCap():
            return frame.invoke(cap, call)
        case PageTableCap():
            return page_table.invoke(cap, call)
        case ASIDPoolCap():
            return asid.invoke_pool(cap, call)
        case ASIDControlCap():
            return asid.invoke_control(call)
        case IRQHandlerCap():
            return interrupt.invoke_handler(cap, call)
        case IRQControlCap():
            return interrupt.invoke_control(call)
        case DomainCap():
            return domain.invoke(call)
        case _:
            raise InvalidCapability(0)
