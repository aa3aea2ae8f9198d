"""Faults: a thread that cannot go on calls its handler.

A fault is a call that the kernel makes in the thread's name, through the endpoint capability in one of two
slots: the fault handler's, and, when the budget is used up, the timeout handler's. A thread in a fault
without a handler stops; a thread without budget and without a timeout handler waits for its next refill.

Manual: "Exceptions", "Faults".
"""

from __future__ import annotations

from . import endpoint
from .endpoint import Sending
from .fault_message import set_fault
from .objects import Cap, EndpointCap, FaultKind, Register, Thread, ThreadSlot, ThreadState


def is_handler(cap: Cap) -> bool:
    """Whether faults can be sent through the capability: it must let the handler answer."""
    match cap:
        case EndpointCap(can_send=True) as handler:
            return handler.can_grant or handler.can_grant_reply
        case _:
            return False


def handle(thread: Thread) -> None:
    """Send the fault that `thread` is in to its handler."""
    if not _send(thread, thread.slots[ThreadSlot.FAULT_HANDLER].cap, can_donate=thread.context is not None):
        thread.state = ThreadState.INACTIVE


def has_timeout_handler(thread: Thread) -> bool:
    """Whether the thread wants to be told when its budget is used up."""
    return is_handler(thread.slots[ThreadSlot.TIMEOUT_HANDLER].cap)


def time_out(thread: Thread) -> None:
    """Tell the timeout handler, which the thread has, that its budget is used up."""
    if thread.state is ThreadState.RUNNING:  # a call that was answered is not made again
        thread.registers[Register.FAULT_PC] = thread.registers[Register.NEXT_PC]
    context = thread.context
    set_fault(thread, FaultKind.TIMEOUT, 0 if context is None else context.badge)
    _send(thread, thread.slots[ThreadSlot.TIMEOUT_HANDLER].cap, can_donate=False)


def _send(thread: Thread, cap: Cap, can_donate: bool) -> bool:
    """Send the fault through `cap`; False if that is no handler."""
    match cap:
        case EndpointCap() as handler if is_handler(handler):
            sending = Sending(
                badge=handler.badge,
                is_blocking=True,
                is_call=True,
                can_grant=handler.can_grant,
                can_grant_reply=handler.can_grant_reply,
                can_donate=can_donate,
            )
            endpoint.send(handler.endpoint, thread, sending)
            return True
        case _:
            return False
