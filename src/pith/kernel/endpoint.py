"""Endpoints: synchronous rendezvous between threads.

A message is copied at the moment when a sender and a receiver meet; whoever comes first waits in the
endpoint's queue. A call, and a fault, leave the sender waiting for the answer in the reply object that the
receiver brought; without one, or without the right to be answered, the sender stops for good.

Invariant: the queue holds only senders or only receivers. Manual: chapter "Message Passing (IPC)".
"""

from __future__ import annotations

from typing import Final

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.metal import MASK64, Value, u64

from . import binding, blocking, budget, fault_message, message, notification, reply, scheduler
from .objects import ECALL_BYTES, Endpoint, FaultKind, NotificationState, Register, Reply, Thread, ThreadState
from .state import kernel

CALL: Final = SystemCall.CALL & MASK64
SEND: Final = SystemCall.SEND & MASK64
NB_SEND: Final = SystemCall.NB_SEND & MASK64


class Sending(Value):
    """How a message is sent."""

    badge: u64
    is_blocking: bool
    is_call: bool  # the sender waits for an answer
    can_grant: bool
    can_grant_reply: bool
    can_donate: bool  # a passive receiver gets the sender's scheduling context


def send(endpoint: Endpoint, sender: Thread, sending: Sending) -> None:
    """Hand the sender's message to the first receiver, or queue the sender."""
    receiver = endpoint.queue.head
    if receiver is None or receiver.state is ThreadState.BLOCKED_ON_SEND:
        if sending.is_blocking:
            sender.wait_badge = sending.badge
            sender.wait_is_call = sending.is_call
            sender.wait_can_grant = sending.can_grant
            sender.wait_can_grant_reply = sending.can_grant_reply
            blocking.wait_at_endpoint(sender, endpoint, ThreadState.BLOCKED_ON_SEND)
        return
    blocking.leave_queue(receiver)
    is_done = _hand_over(endpoint, sender, receiver, reply.withdraw(receiver), sending)
    context = sender.context
    if is_done and sending.can_donate and context is not None and receiver.context is None:
        binding.donate(context, receiver)
    receiver.state = ThreadState.RUNNING
    budget.wake_sporadic(receiver.context)
    scheduler.wake(receiver)


def receive(endpoint: Endpoint, receiver: Thread, brought: Reply | None, is_blocking: bool) -> None:
    """Give the receiver the first sender's message, or its bound notification's signal, or queue it."""
    if brought is not None and brought.caller is not None:
        blocking.cancel(brought.caller)
    bound = receiver.bound_notification
    if bound is not None and bound.state is NotificationState.ACTIVE:
        notification.collect(bound, receiver)
        return
    sender = endpoint.queue.head
    if sender is not None and sender.state is ThreadState.BLOCKED_ON_SEND:
        _receive_from(endpoint, sender, receiver, brought)
    elif is_blocking:
        if bound is not None:
            binding.give_back(bound, receiver)
        if brought is not None:
            reply.offer(brought, receiver)
        blocking.wait_at_endpoint(receiver, endpoint, ThreadState.BLOCKED_ON_RECEIVE)
    else:
        receiver.registers[Register.A0] = 0


def _receive_from(endpoint: Endpoint, sender: Thread, receiver: Thread, brought: Reply | None) -> None:
    """Give the running receiver the message of `sender`, which waits in the queue."""
    blocking.pass_cancellation(sender)
    blocking.leave_queue(sender)
    sending = Sending(
        badge=sender.wait_badge,
        is_blocking=True,
        is_call=sender.wait_is_call,
        can_grant=sender.wait_can_grant,
        can_grant_reply=sender.wait_can_grant_reply,
        can_donate=sender.fault_kind is not FaultKind.TIMEOUT,  # it has no time to lend
    )
    budget.wake_sporadic(sender.context)
    if _hand_over(endpoint, sender, receiver, brought, sending):
        sender.state = ThreadState.RUNNING
        scheduler.wake(sender)


def _hand_over(
    endpoint: Endpoint, sender: Thread, receiver: Thread, brought: Reply | None, sending: Sending
) -> bool:
    """Copy the message; whether the sender is done then, rather than waiting for an answer."""
    if sender.fault_kind is not FaultKind.NONE:
        fault_message.deliver(sender, receiver, sending.badge)
    else:
        message.transfer(sender, receiver, endpoint, sending.badge, sending.can_grant)
        if not sending.is_call:
            return True
    if brought is not None and (sending.can_grant or sending.can_grant_reply):
        reply.push(brought, sender, receiver, sending.can_donate)
    else:
        sender.state = ThreadState.INACTIVE
    return False


# Ending -----------------------------------------------------------------------------------------------------


def cancel_all(endpoint: Endpoint) -> None:
    """Let all waiting threads make their system calls again: the endpoint ends. Raises Preempted: call it again."""
    while (thread := endpoint.queue.head) is not None:
        _dismiss(thread)
        scheduler.preemption_point()


def cancel_badged_sends(endpoint: Endpoint, badge: u64) -> None:
    """Let the senders with `badge` make their system calls again. Raises Preempted: call it again.

    An endpoint has no room to remember how far this came, so the kernel does, for one cancellation at a time. Who finds
    another's under way brings that to its end first, and the system call that began it is done then, too; so each ends, however they
    interrupt one another (Blackham, Shi and Heiser, "Improving Interrupt Response Time in a Verifiable Protected
    Microkernel", EuroSys 2012). Only who waited when it began is meant: a sender that comes again cannot make it longer.
    """
    if kernel.cancel_endpoint is not None:
        is_own = kernel.cancel_owner is message.current()
        _go_on_cancelling()
        if is_own:
            return
    first = endpoint.queue.head
    if first is None or first.state is not ThreadState.BLOCKED_ON_SEND:
        return
    kernel.cancel_endpoint = endpoint
    kernel.cancel_badge = badge
    kernel.cancel_since = kernel.now
    kernel.cancel_next = first
    kernel.cancel_owner = message.current()
    _go_on_cancelling()


def _go_on_cancelling() -> None:
    """Bring the cancellation that is under way to its end. Raises Preempted."""
    while (sender := kernel.cancel_next) is not None:
        kernel.cancel_next = sender.queue_next
        if _is_meant(sender):
            _dismiss(sender)
        scheduler.preemption_point()
    owner = kernel.cancel_owner
    kernel.cancel_endpoint = None
    kernel.cancel_owner = None
    if owner is not None and owner is not kernel.current:
        _complete(owner)


def _is_meant(sender: Thread) -> bool:
    """Whether the cancellation that is under way is to send away this sender, which waits at its endpoint."""
    return sender.wait_badge == kernel.cancel_badge and sender.wait_since <= kernel.cancel_since


def _complete(caller: Thread) -> None:
    """The system call of a thread that was interrupted in its cancellation is done, unless that has another phase."""
    registers = caller.registers
    number = registers[Register.A7]
    if caller.state is not ThreadState.RESTART or number not in (CALL, SEND, NB_SEND):
        return
    if number == CALL:
        message.put_header(caller, 0, MessageInfo())
    registers[Register.NEXT_PC] = (registers[Register.FAULT_PC] + ECALL_BYTES) & MASK64
    caller.state = ThreadState.RUNNING


def end_if_cancelled(thread: Thread) -> None:
    """Send a waiting thread away which the cancellation under way means: it got another place, and might be missed there."""
    endpoint = thread.wait_endpoint
    is_sending = thread.state is ThreadState.BLOCKED_ON_SEND
    if is_sending and endpoint is not None and endpoint is kernel.cancel_endpoint and _is_meant(thread):
        _dismiss(thread)


def _dismiss(thread: Thread) -> None:
    """Send a waiting thread away: a faulting one has no system call to make again and stops."""
    is_faulting = thread.fault_kind is not FaultKind.NONE
    blocking.cancel(thread)
    if not is_faulting:
        blocking.retry(thread)
