"""Reply objects: who waits for an answer, and the way back for borrowed time.

A receiver brings a reply object; a call leaves the caller in it (BLOCKED_ON_REPLY). When the call also lent
the caller's scheduling context, the object goes on top of the context's stack of calls, so that each answer
hands the context to the caller one step below:

    context.reply -> top <-> previous <-> previous ...        top.context -> context

Invariants: reply.caller.wait_reply is the reply; in a stack, `next` and `previous` are mutual and only the
top has a context. Manual: "Calling and Replying", "Scheduling Context Donation".
"""

from __future__ import annotations

from pith.metal import inline

from . import binding, scheduler
from .objects import Reply, SchedContext, Thread, ThreadState
from .queue import remove_by_priority as leave_queue


def offer(reply: Reply, receiver: Thread) -> None:
    """`receiver` waits for messages and brings `reply` for the first call."""
    reply.caller = receiver
    receiver.wait_reply = reply


def withdraw(receiver: Thread) -> Reply | None:
    """`receiver` no longer waits for messages; the reply object that it brought, free again."""
    reply = receiver.wait_reply
    if reply is not None:
        reply.caller = None
        receiver.wait_reply = None
    return reply


def push(reply: Reply, caller: Thread, callee: Thread, can_donate: bool) -> None:
    """`caller` waits for an answer through `reply`; a passive callee gets its time, if that may be lent."""
    reply.caller = caller
    caller.wait_reply = reply
    caller.state = ThreadState.BLOCKED_ON_REPLY
    context = caller.context
    if can_donate and context is not None and callee.context is None:
        stack(reply, context)
        binding.donate(context, callee)


@inline
def stack(reply: Reply, context: SchedContext) -> None:
    """Put the object, which is in no stack, on top of the context's."""
    below = context.reply
    reply.previous = below
    if below is not None:
        below.next = reply
        below.context = None
    reply.context = context
    context.reply = reply


@inline
def unstack(reply: Reply, context: SchedContext) -> None:
    """Take the object, which is on top of the context's stack, off it."""
    below = reply.previous
    context.reply = below
    if below is not None:
        below.next = None
        below.context = context
        reply.previous = None
    reply.context = None


def pop(reply: Reply) -> None:
    """The call ends: the caller waits no longer, and gets back the time that it lent."""
    caller = reply.caller
    assert caller is not None
    context = _leave_stack(reply)
    if context is not None and caller.context is None:
        binding.donate(context, caller)
    withdraw(caller)
    caller.state = ThreadState.INACTIVE


def abandon(caller: Thread) -> None:
    """`caller` stops waiting for an answer; the time that it lent stays where it is."""
    reply = withdraw(caller)
    if reply is not None:
        _leave_stack(reply)


def recall(context: SchedContext) -> None:
    """Take the context from its thread; if calls lent it, whose it was first has it again, and all wait on.

    Raises Preempted: call it again.
    """
    owner: Thread | None = None
    while (top := context.reply) is not None:
        owner = top.caller
        unstack(top, context)
        if context.reply is not None:
            scheduler.preemption_point()
    binding.unbind(context)
    if owner is not None and owner.context is None:
        binding.donate(context, owner)


def clear(reply: Reply) -> None:
    """The reply object goes out of use, for its last capability is deleted: whoever waits in it does so no more.

    A caller gets back what it lent if the object is on top of the chain. Elsewhere the chain closes over it, and the time
    stays where it is (manual, "Scheduling Context Donation").
    """
    thread = reply.caller
    if thread is None:
        return
    if thread.state is ThreadState.BLOCKED_ON_RECEIVE:
        assert thread.wait_endpoint is not None
        leave_queue(thread.wait_endpoint.queue, thread)
        thread.wait_endpoint = None
        withdraw(thread)
        thread.state = ThreadState.INACTIVE
    else:
        pop(reply)


def _leave_stack(reply: Reply) -> SchedContext | None:
    """Take the object out of its stack of calls, which closes over it; the context if it was on top."""
    context, above, below = reply.context, reply.next, reply.previous
    if below is not None:
        below.next = above
        below.context = context
    if above is not None:
        above.previous = below
    if context is not None:
        context.reply = below
    reply.context = None
    reply.next = None
    reply.previous = None
    return context
