"""System calls: eleven of them, all made of sending, receiving, and yielding.

A call names capabilities by their addresses in the caller's CSpace. What is not an endpoint, notification
or reply object is the kernel's own, and a message to it is an invocation: its failures become error
messages to callers who wait for an answer. During an invocation the thread is in state RESTART, so that one
which is interrupted, or which stops its own caller, is made again.

Manual: "System Calls", "Error Codes", "Capability Faults", "Unknown Syscall".
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import ErrorCode, LookupFailureKind
from pith.abi.messages import MESSAGE_MAX_LENGTH, MESSAGE_REGISTERS, MessageInfo
from pith.abi.syscalls import DebugCall, SystemCall
from pith.metal import MASK64, Packed, i64, inline, replace, u7, u64

from . import (
    answer,
    benchmark,
    complaint,
    cspace,
    debug,
    endpoint,
    fault,
    fault_message,
    invocation,
    message,
    notification,
    snapshot,
    timeslice,
)
from .endpoint import Sending
from .errors import (
    AlignmentError,
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    InvalidArgument,
    InvalidCapability,
    LookupFailure,
    NotEnoughMemory,
    Preempted,
    RangeError,
    RevokeFirst,
    TruncatedMessage,
)
from .message import Invocation, put_result
from .objects import (
    ECALL_BYTES,
    Cap,
    EndpointCap,
    FaultKind,
    NotificationCap,
    NullCap,
    Register,
    Reply,
    ReplyCap,
    SchedContextCap,
    Thread,
    ThreadCap,
    ThreadState,
)
from .state import kernel


class Phases(Packed, bits=8):
    """What a system call is made of: a send, a receive, or one after the other."""

    sends: bool = False
    is_blocking: bool = False  # the send waits for a receiver, and tells of a fault
    is_call: bool = False
    can_donate: bool = False
    receives: bool = False
    waits: bool = False  # the receive waits for a message
    takes_calls: bool = False  # a6 names a reply object

    @property
    def is_double(self) -> bool:
        return self.sends and self.receives


CALL: Final = Phases(sends=True, is_blocking=True, is_call=True, can_donate=True)
SEND: Final = Phases(sends=True, is_blocking=True)
NB_SEND: Final = Phases(sends=True)
RECV: Final = Phases(receives=True, waits=True, takes_calls=True)
NB_RECV: Final = Phases(receives=True, takes_calls=True)
WAIT: Final = Phases(receives=True, waits=True)
NB_WAIT: Final = Phases(receives=True)
SEND_RECV: Final = Phases(sends=True, can_donate=True, receives=True, waits=True, takes_calls=True)
SEND_WAIT: Final = Phases(sends=True, can_donate=True, receives=True, waits=True)


def handle(thread: Thread) -> None:
    """Do the system call that the current thread makes."""
    registers = thread.registers
    registers[Register.NEXT_PC] = (registers[Register.FAULT_PC] + ECALL_BYTES) & MASK64
    number = registers[Register.A7]
    target = registers[Register.A0]
    if number == SystemCall.CALL & MASK64:  # by far the most frequent
        _send(thread, target, CALL)
        return
    match _signed(number):
        case SystemCall.REPLY_RECV:
            phases, target = SEND_RECV, registers[Register.A6]
        case SystemCall.NB_SEND_RECV:
            phases, target = SEND_RECV, registers[Register.T0]
        case SystemCall.NB_SEND_WAIT:
            phases, target = SEND_WAIT, registers[Register.A6]
        case SystemCall.SEND:
            phases = SEND
        case SystemCall.NB_SEND:
            phases = NB_SEND
        case SystemCall.RECV:
            phases = RECV
        case SystemCall.NB_RECV:
            phases = NB_RECV
        case SystemCall.WAIT:
            phases = WAIT
        case SystemCall.NB_WAIT:
            phases = NB_WAIT
        case SystemCall.YIELD:
            timeslice.give_up(thread)
            return
        case DebugCall.SNAPSHOT if debug.DEBUG:
            snapshot.take()
            return
        case DebugCall.DUMP_SCHEDULER if debug.DEBUG:
            debug.dump_scheduler()
            snapshot.put_unscheduled()
            return
        case other:
            if not debug.handle(thread, other) and not benchmark.handle(thread, other):
                fault_message.set_fault(thread, FaultKind.UNKNOWN_SYSCALL, number)
                fault.handle(thread)
            return
    if phases.sends:
        _send(thread, target, phases)
        if not phases.receives or thread.state is not ThreadState.RUNNING:  # stopped, or to do it again
            return
    _receive(thread, phases)


def _signed(word: u64) -> i64:
    return (word ^ 1 << 63) - (1 << 63)


# Sending ----------------------------------------------------------------------------------------------------


@inline
def _send(thread: Thread, target: u64, phases: Phases) -> None:
    """Send the current thread's message through the capability at `target`."""
    info = MessageInfo.from_bits(thread.registers[Register.A1])
    root, address = cspace.root_of(thread), target
    try:
        slot = cspace.lookup_below(root, address)
        if info.extra_caps:
            buffer = message.buffer_of(thread, writing=False)
            kernel.caller_buffer = buffer
            if buffer is None:
                info = replace(info, extra_caps=0)
            else:
                for index in range(info.extra_caps):
                    address = buffer.caps_or_badges[index]
                    kernel.extra_slots[index] = cspace.lookup_below(root, address)
    except LookupFailure as failure:
        if phases.is_blocking:
            fault_message.set_capability_fault(
                thread, address, False, failure.kind, failure.word0, failure.word1, failure.word2
            )
            fault.handle(thread)
        else:
            complaint.tell_lost(address)
        return
    match slot.cap:
        case EndpointCap(can_send=True) as cap:
            sending = Sending(
                badge=cap.badge,
                is_blocking=phases.is_blocking,
                is_call=phases.is_call,
                can_grant=cap.can_grant,
                can_grant_reply=cap.can_grant_reply,
                can_donate=phases.can_donate,
            )
            endpoint.send(cap.endpoint, thread, sending)
        case NotificationCap(can_send=True) as cap:
            notification.signal(cap.notification, cap.badge)
            _acknowledge(thread, phases)
        case ReplyCap() as cap:
            answer.answer(thread, cap.reply, cap.can_grant)
            _acknowledge(thread, phases)
        case NullCap() if not phases.is_call and debug.LEVEL != debug.ALL:
            pass  # nobody wants to know
        case ThreadCap() | SchedContextCap() if phases.is_double:
            pass  # they might stop the thread between its two phases
        case cap:
            _invoke(thread, cap, Invocation(info, slot, target), phases)


def _acknowledge(thread: Thread, phases: Phases) -> None:
    """A call through a capability that needs no answer is answered at once, by nothing."""
    if phases.is_call:
        message.put_header(thread, 0, MessageInfo())


# Invocations of the kernel's objects ------------------------------------------------------------------------


@inline
def _invoke(thread: Thread, cap: Cap, call: Invocation, phases: Phases) -> None:
    """Let the kernel do what the message asks; answer if the thread waits for that."""
    if call.length > MESSAGE_REGISTERS:
        call = replace(call, info=replace(call.info, length=_words_found(thread, call.info)))
    kernel.wants_answer = phases.is_call
    thread.state = ThreadState.RESTART
    try:
        answer_info = _attempt(cap, call)
    except Preempted:
        return
    if thread.state is ThreadState.RESTART:
        thread.state = ThreadState.RUNNING
        if phases.is_call:
            message.put_header(thread, 0, answer_info)


def _words_found(thread: Thread, info: MessageInfo) -> u7:
    """How many words there are of a message that says that it goes on in the IPC buffer."""
    if not info.extra_caps:  # those were found in it
        kernel.caller_buffer = message.buffer_of(thread, writing=False)
    return MESSAGE_REGISTERS if kernel.caller_buffer is None else min(info.length, MESSAGE_MAX_LENGTH)


def _attempt(cap: Cap, call: Invocation) -> MessageInfo:
    """Do the invocation; the info word of the answer, whose words are put already."""
    try:
        return MessageInfo(length=invocation.invoke(cap, call))
    except InvalidArgument as failure:
        return _error(call, ErrorCode.INVALID_ARGUMENT, 1, failure.argument)
    except InvalidCapability as failure:
        return _error(call, ErrorCode.INVALID_CAPABILITY, 1, failure.argument)
    except IllegalOperation:
        return _error(call, ErrorCode.ILLEGAL_OPERATION, 0)
    except RangeError as failure:
        return _error(call, ErrorCode.RANGE_ERROR, 2, failure.minimum, failure.maximum)
    except AlignmentError:
        return _error(call, ErrorCode.ALIGNMENT_ERROR, 0)
    except FailedLookup as failure:
        words = fault_message.lookup_words(int(failure.kind))
        info = _error(call, ErrorCode.FAILED_LOOKUP, 2 + words, int(failure.is_source), int(failure.kind))
        put_result(2, failure.word0)
        put_result(3, failure.word1)
        put_result(4, failure.word2)
        return info
    except TruncatedMessage:
        return _error(call, ErrorCode.TRUNCATED_MESSAGE, 0)
    except DeleteFirst:
        return _error(call, ErrorCode.DELETE_FIRST, 0)
    except RevokeFirst:
        return _error(call, ErrorCode.REVOKE_FIRST, 0)
    except NotEnoughMemory as failure:
        return _error(call, ErrorCode.NOT_ENOUGH_MEMORY, 1, failure.available)


def _error(call: Invocation, code: ErrorCode, length: u7, word0: u64 = 0, word1: u64 = 0) -> MessageInfo:
    """The info word of an error message, after putting its first words over those of the call."""
    complaint.tell(call, code, word0, word1)
    if length > 0:
        put_result(0, word0)
    if length > 1:
        put_result(1, word1)
    return MessageInfo(length=length, label=int(code))


# Receiving --------------------------------------------------------------------------------------------------


def _receive(thread: Thread, phases: Phases) -> None:
    """Let the current thread receive through the capability that a0 names."""
    registers = thread.registers
    address = registers[Register.A0]
    try:
        cap = cspace.lookup_cap(thread, address)
        match cap:
            case EndpointCap(can_receive=True):
                brought: Reply | None = None
                if phases.takes_calls:
                    address = registers[Register.A6]
                    brought = _reply_at(thread, address)
                endpoint.receive(cap.endpoint, thread, brought, phases.waits)
            case NotificationCap(can_receive=True) if _may_wait(cap, thread):
                notification.wait(cap.notification, thread, phases.waits)
            case _:
                raise LookupFailure(LookupFailureKind.MISSING_CAPABILITY, 0, 0, 0)
    except LookupFailure as failure:
        fault_message.set_capability_fault(
            thread, address, True, failure.kind, failure.word0, failure.word1, failure.word2
        )
        fault.handle(thread)


def _reply_at(thread: Thread, address: u64) -> Reply:
    """The reply object at `address`. Raises LookupFailure."""
    match cspace.lookup_cap(thread, address):
        case ReplyCap(reply=reply):
            return reply
        case _:
            raise LookupFailure(LookupFailureKind.MISSING_CAPABILITY, 0, 0, 0)


def _may_wait(cap: NotificationCap, thread: Thread) -> bool:
    """Only the bound thread may wait for a notification that is bound."""
    bound = cap.notification.bound_thread
    return bound is None or bound is thread
