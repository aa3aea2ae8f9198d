"""The fast path: a call to a server that waits for it, the answer to it or to a page fault, a signal, and a wait.

These system calls are most of what a system of servers does, and nearly always the same few things are
so: the message brings no capabilities, the other side waits, and it is the one to run next, on the time that
the caller lends and the answer gives back, or on its own. Here each of these things is looked at once, in the
cheapest order, and then done with no questions left. `take` returns None at the first that is not so; nothing
has changed then, and the slow path (syscall.py) does the whole call.

What is left out, and why it is no loss:

    the clock       while the scheduling context stays in use the deadline that is set stands; when it comes,
                    all that was used since the last look is charged. A server with time of its own costs the
                    look: what the caller used is charged then, as at every change of contexts
    the queues      both threads were in no ready queue, and stay out (Benno scheduling); only who signals
                    goes into one, and who goes on after a wait leaves it
    the scheduler   who runs next is known: nobody that is ready has a higher priority

Manual: "Calling and Replying", "Scheduling Context Donation", "Notifications".
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import MESSAGE_MAX_LENGTH, MESSAGE_REGISTERS, MessageInfo
from pith.abi.syscalls import SystemCall
from pith.metal import MASK64, cold, inline, noinline, replace, u7, u64

from . import blocking, reply, scheduler
from .cspace import lookup_flat
from .message import copy_registers, copy_rest, put_header
from .notification import remember
from .objects import (
    ECALL_BYTES,
    EndpointCap,
    FaultKind,
    Notification,
    NotificationCap,
    NotificationState,
    Register,
    ReplyCap,
    SchedContext,
    Thread,
    ThreadState,
)
from .queue import remove_first
from .riscv64 import handover, vspace
from .state import kernel

CALL: Final = SystemCall.CALL & MASK64
REPLY_RECV: Final = SystemCall.REPLY_RECV & MASK64
SEND: Final = SystemCall.SEND & MASK64
WAIT: Final = SystemCall.WAIT & MASK64


@inline
def take(thread: Thread) -> Thread | None:
    """Do the current thread's system call, if it is an ordinary call or answer; the thread that runs next."""
    number = thread.registers[Register.A7]
    if number == CALL:
        return _call(thread)
    if number == REPLY_RECV:
        return _answer(thread)
    if number == SEND:
        return _signal(thread)
    if number == WAIT:
        return _wait(thread)
    return None


@inline
def _call(client: Thread) -> Thread | None:
    """Call a server."""
    cap = lookup_flat(client, client.registers[Register.A0])  # none in a deeper CSpace
    if not isinstance(cap, EndpointCap) or not cap.can_send:
        return None
    if not (cap.can_grant or cap.can_grant_reply):  # nobody could answer
        return None
    info = MessageInfo.from_bits(client.registers[Register.A1])
    if info.extra_caps or info.caps_unwrapped:  # capabilities to transfer; bits that no receiver is to see
        return None
    server = cap.endpoint.queue.head
    if server is None or server.state is not ThreadState.BLOCKED_ON_RECEIVE:  # the client has to wait
        return None
    link, context = server.wait_reply, client.context
    if link is None or context is None:  # no answer wanted, or no time that could be lent
        return None
    if not _is_ready_to_run(server):
        return None
    own = server.context
    # This one changes something if it can, and so comes last.
    if own is not None and not _could_take_over(own):
        return None

    # All is as it should be. The server leaves the endpoint,
    remove_first(cap.endpoint.queue, server)
    server.wait_endpoint = None
    server.wait_reply = None
    server.state = ThreadState.RUNNING
    # the client waits in the reply object,
    link.caller = client
    client.wait_reply = link
    client.state = ThreadState.BLOCKED_ON_REPLY
    # its time goes along the call, if the server has none,
    if own is None:
        reply.stack(link, context)
        _move(context, client, server)
    # and its message.
    put_header(server, cap.badge, info)
    _switch(client, server)
    return _deliver(client, server, info.length)


@inline
def _answer(server: Thread) -> Thread | None:
    """Answer a client, and wait for the next."""
    reply_cap = lookup_flat(server, server.registers[Register.A6])
    if not isinstance(reply_cap, ReplyCap):
        return None
    link = reply_cap.reply
    client, context = link.caller, link.context
    if client is None:  # nobody waits
        return None
    kind = client.fault_kind
    if client.state is not ThreadState.BLOCKED_ON_REPLY or (
        kind is not FaultKind.NONE and kind is not FaultKind.VM
    ):
        return None
    own = client.context
    if context is None:
        if own is None or link.previous is not None or link.next is not None:  # lent time has gone elsewhere
            return None
    elif context is not server.context or own is not None:
        return None
    info = MessageInfo.from_bits(server.registers[Register.A1])
    if info.extra_caps or info.caps_unwrapped:
        return None
    cap = lookup_flat(server, server.registers[Register.A0])
    if not isinstance(cap, EndpointCap) or not cap.can_receive:
        return None
    if cap.endpoint.queue.head is not None:  # a message is there already, or others wait for one
        return None
    bound = server.bound_notification
    if bound is not None and (bound.state is NotificationState.ACTIVE or bound.context is not None):
        return None  # a signal is there already, or time that is to be given back
    if not _is_ready_to_run(client):
        return None
    # This one changes something if it can, and so comes last.
    if own is not None and not _could_take_over(own):
        return None

    # All is as it should be. The client's time goes back, if it was lent,
    if context is not None:
        reply.unstack(link, context)
        _move(context, server, client)
    client.wait_reply = None
    client.state = ThreadState.RUNNING
    # the server waits at the endpoint and brings the reply object again.
    link.caller = server
    server.wait_reply = link
    server.wait_endpoint = cap.endpoint
    server.state = ThreadState.BLOCKED_ON_RECEIVE
    cap.endpoint.queue.head = server
    cap.endpoint.queue.tail = server
    # and the answer reaches the client; after a page fault it is to try again, and no more.
    if kind is FaultKind.VM:
        client.fault_kind = FaultKind.NONE
        client.registers[Register.NEXT_PC] = client.registers[Register.FAULT_PC]
        _switch(server, client)
        return client
    put_header(client, 0, info)
    _switch(server, client)
    return _deliver(server, client, info.length)


@noinline
def _signal(sender: Thread) -> Thread | None:
    """Signal a notification that nobody waits for, or a thread with time of its own."""
    cap = lookup_flat(sender, sender.registers[Register.A0])
    if not isinstance(cap, NotificationCap) or not cap.can_send:
        return None
    if MessageInfo.from_bits(sender.registers[Register.A1]).extra_caps:  # which are to be there
        return None
    notification = cap.notification
    waiter = notification.queue.head
    if waiter is None:
        return _note(sender, notification, cap.badge)
    own = waiter.context
    if own is None:
        return None
    preempts = waiter.priority > sender.priority
    if preempts:
        if not _is_ready_to_run(waiter):
            return None
        if not scheduler.could_switch_context(own, wakes=True):  # this changes something: it is the last
            return None
    elif not scheduler.could_wake(waiter, own, sender):  # so does this
        return None

    # All is as it should be. The waiter gets the badge,
    remove_first(notification.queue, waiter)
    if notification.queue.head is None:
        notification.state = NotificationState.IDLE
    waiter.wait_notification = None
    waiter.state = ThreadState.RUNNING
    waiter.registers[Register.A0] = cap.badge
    # and runs now or later.
    if not preempts:
        scheduler.enqueue_behind(waiter, sender)
        _pass(sender)
        return sender
    scheduler.enqueue_front(sender)
    _switch(sender, waiter)
    return waiter


@inline
def _note(sender: Thread, notification: Notification, badge: u64) -> Thread | None:
    """Let the notification, for which nobody waits in its queue, remember the signal; the sender goes on."""
    bound = notification.bound_thread
    if bound is not None and bound.state is ThreadState.BLOCKED_ON_RECEIVE:
        return None
    remember(notification, badge)
    _pass(sender)
    return sender


@noinline
def _wait(waiter: Thread) -> Thread | None:
    """Be the first to wait for a notification; another thread goes on where it stood."""
    cap = lookup_flat(waiter, waiter.registers[Register.A0])
    if not isinstance(cap, NotificationCap) or not cap.can_receive:
        return None
    notification = cap.notification
    if notification.state is not NotificationState.IDLE:  # a signal is there already, or others wait for one
        return None
    if notification.bound_thread is not None or notification.context is not None:
        return None
    following = scheduler.highest()
    if following is None or following.state is not ThreadState.RUNNING:  # it is to begin something again
        return None
    own = following.context
    if own is None:
        return None
    if following.yielding_to is not None or not _is_ready_to_run(following):  # it is to get an answer first
        return None
    if not scheduler.could_switch_context(own, wakes=False):  # this changes something: it is the last
        return None

    # All is as it should be.
    blocking.wait_at_notification(waiter, notification)
    scheduler.leave_ready(following)
    _switch(waiter, following)
    return following


# What they have in common -----------------------------------------------------------------------------------


@inline
def _is_ready_to_run(thread: Thread) -> bool:
    """Whether nobody comes before a thread that is to run next, and its address space is known."""
    return scheduler.is_next(thread) and vspace.is_known(thread)


@cold
def _could_take_over(own: SchedContext) -> bool:
    """Switch to the context of a thread that was blocked and has time of its own, as the fewer threads do that serve."""
    return scheduler.could_switch_context(own, wakes=True)


@inline
def _move(context: SchedContext, giver: Thread, taker: Thread) -> None:
    """The context, on which `giver` runs, is the taker's from now on."""
    giver.context = None
    taker.context = context
    context.thread = taker


@inline
def _pass(thread: Thread) -> None:
    """The thread's system call is done: it goes on behind it."""
    thread.registers[Register.NEXT_PC] = (thread.registers[Register.FAULT_PC] + ECALL_BYTES) & MASK64


@inline
def _switch(before: Thread, after: Thread) -> None:
    """`before`, whose system call is done, gives the processor to `after`."""
    _pass(before)
    kernel.current = after
    vspace.switch(after.satp)
    handover.prepare(after)


@inline
def _deliver(sender: Thread, receiver: Thread, length: u7) -> Thread:
    """Copy the words of a message whose header is there already; the receiver."""
    copy_registers(sender, receiver, length)
    if length > MESSAGE_REGISTERS:
        return _deliver_rest(receiver, sender, length)
    return receiver


@noinline
def _deliver_rest(receiver: Thread, sender: Thread, length: u7) -> Thread:
    """The words that are in the buffers, as the last thing to do, so that short messages pay nothing for it."""
    copied = copy_rest(sender, receiver, min(length, MESSAGE_MAX_LENGTH))
    if copied < length:
        info = MessageInfo.from_bits(receiver.registers[Register.A1])
        receiver.registers[Register.A1] = replace(info, length=copied).bits
    return receiver
