"""Answering: what happens when a reply object is invoked.

The caller gets the message and runs again, on its own time if it was lent out. A thread that waits in a
fault gets its registers set and is restarted or left stopped. Manual: "Calling and Replying", "Faults",
"Timeout Exceptions".
"""

from __future__ import annotations

from . import budget, fault, fault_message, message, reply, scheduler
from .objects import FaultKind, Reply, Thread, ThreadState


def answer(sender: Thread, through: Reply, can_grant: bool) -> None:
    """Give the sender's message to the thread that waits in the reply object; nothing if none does."""
    caller = through.caller
    if caller is None or caller.state is not ThreadState.BLOCKED_ON_REPLY:
        return
    reply.pop(through)
    kind = caller.fault_kind
    if kind is FaultKind.NONE:
        message.transfer(sender, caller, None, 0, can_grant)
        caller.state = ThreadState.RUNNING
    elif fault_message.apply_reply(sender, caller):
        caller.state = ThreadState.RESTART
    _resume(caller, may_time_out=kind is not FaultKind.TIMEOUT)


def _resume(caller: Thread, may_time_out: bool) -> None:
    """Let the caller compete again; without budget left it faults first, if it wants to know."""
    context = caller.context
    if context is None or not scheduler.is_schedulable(caller):
        return
    budget.wake_sporadic(context)
    if may_time_out and not budget.is_released(context) and fault.has_timeout_handler(caller):
        fault.time_out(caller)
    else:
        scheduler.wake(caller)
