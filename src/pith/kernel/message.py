"""Messages: what a thread says in a system call, and how words and capabilities reach another thread.

A message is an info word (a1), up to four words in registers (a2-a5), and the rest in the IPC buffer, a
page of user memory that the kernel sees through the window. Two uses:

    Invocation    a message to the kernel itself: `argument` and `extra_slot` read it, `put_result` answers
    transfer      a message from thread to thread: words are copied once, capabilities are derived

Invariant: the kernel never trusts an address that a message holds; the buffer is found through the frame
capability in the thread's own slot. Manual: chapter "Message Passing (IPC)".
"""

from __future__ import annotations

from pith.abi.messages import MESSAGE_MAX_LENGTH, MESSAGE_REGISTERS, IPCBuffer, MessageInfo
from pith.metal import Value, inline, replace, u2, u3, u7, u8, u52, u64

from . import capability, cspace
from .errors import (
    DeleteFirst,
    FailedLookup,
    IllegalOperation,
    LookupFailure,
    RangeError,
    RevokeFirst,
    TruncatedMessage,
)
from .objects import Endpoint, EndpointCap, FrameCap, NullCap, Register, Slot, Thread, ThreadSlot
from .riscv64.window import window_of
from .state import kernel


class Invocation(Value):
    """A message to the kernel: which operation, on which capability, with how much to go on."""

    info: MessageInfo  # with no more words and capabilities than the message has
    slot: Slot  # of the invoked capability
    capability_address: u64

    @property
    def label(self) -> u52:
        return self.info.label

    @property
    def length(self) -> u7:
        """How many words `argument` may ask for."""
        return self.info.length

    @property
    def extra_caps(self) -> u2:
        return self.info.extra_caps


def current() -> Thread:
    """The thread that the kernel works for."""
    thread = kernel.current
    assert thread is not None
    return thread


def argument(call: Invocation, index: u7) -> u64:
    """Word `index` of the message; the caller has made sure that `call.length` covers it."""
    if index < MESSAGE_REGISTERS:
        return current().registers[Register.A2 + index]
    buffer = kernel.caller_buffer
    assert buffer is not None
    return buffer.words[index]


def require(call: Invocation, words: u7, caps: u2) -> None:
    """Raise TruncatedMessage unless the message has that many words and extra capabilities."""
    if call.length < words or call.extra_caps < caps:
        raise TruncatedMessage()


def extra_slot(call: Invocation, index: u2) -> Slot:
    """The slot of extra capability `index`. Raises TruncatedMessage when the message has fewer."""
    if index < call.extra_caps:
        slot = kernel.extra_slots[index]
        if slot is not None:
            return slot
    raise TruncatedMessage()


def put_result(index: u7, value: u64) -> None:
    """Make `value` word `index` of the answer to the current thread's invocation, if it wants one."""
    if kernel.wants_answer:
        put_word(current(), buffer_of(current(), writing=True), index, value)


def put_word(thread: Thread, buffer: IPCBuffer | None, index: u7, value: u64) -> None:
    """Make `value` word `index` of the message that `thread` receives; lost where there is no buffer."""
    if index < MESSAGE_REGISTERS:
        thread.registers[Register.A2 + index] = value
    elif buffer is not None:
        buffer.words[index] = value


def get_word(thread: Thread, buffer: IPCBuffer | None, index: u7) -> u64:
    """Word `index` of the message that `thread` sends; 0 if it lies in a missing buffer."""
    if index < MESSAGE_REGISTERS:
        return thread.registers[Register.A2 + index]
    return 0 if buffer is None else buffer.words[index]


def put_header(thread: Thread, badge: u64, info: MessageInfo) -> None:
    """Set what every received message has: the badge it came with, and its info word."""
    thread.registers[Register.A0] = badge
    thread.registers[Register.A1] = info.bits


def info_of(thread: Thread) -> MessageInfo:
    """The info word of the message that `thread` sends, its length no more than a message can have."""
    info = MessageInfo.from_bits(thread.registers[Register.A1])
    return replace(info, length=min(info.length, MESSAGE_MAX_LENGTH))


def buffer_of(thread: Thread, writing: bool) -> IPCBuffer | None:
    """The thread's IPC buffer as the kernel sees it; None if it has none that may be read (or written)."""
    match thread.slots[ThreadSlot.BUFFER].cap:
        case FrameCap(can_read=True, is_device=False) as frame if frame.can_write or not writing:
            return IPCBuffer.at(window_of(frame.base) | thread.buffer_offset)
        case _:
            return None


# From thread to thread ------------------------------------------------------------------------------------


def transfer(
    sender: Thread, receiver: Thread, endpoint: Endpoint | None, badge: u64, can_grant: bool
) -> None:
    """Copy the sender's message to the receiver: words always, capabilities if `can_grant`."""
    info = info_of(sender)
    copy_registers(sender, receiver, info.length)
    length = info.length
    if length > MESSAGE_REGISTERS:
        length = copy_rest(sender, receiver, length)
    count: u2 = 0
    unwrapped: u3 = 0
    if can_grant and info.extra_caps:
        count, unwrapped = _transfer_capabilities(sender, receiver, endpoint, info.extra_caps)
    put_header(receiver, badge, MessageInfo(length, count, unwrapped, info.label))


@inline
def copy_registers(sender: Thread, receiver: Thread, length: u7) -> None:
    """Copy those of `length` words that travel in registers; written out, for each is a load and a store so."""
    source, destination = sender.registers, receiver.registers
    if length > 0:
        destination[Register.A2] = source[Register.A2]
    if length > 1:
        destination[Register.A3] = source[Register.A3]
    if length > 2:
        destination[Register.A4] = source[Register.A4]
    if length > 3:
        destination[Register.A5] = source[Register.A5]


@inline
def copy_rest(sender: Thread, receiver: Thread, length: u7) -> u7:
    """Copy those of `length` words that travel in the buffers; how many arrived, those in registers included."""
    source, destination = buffer_of(sender, writing=False), buffer_of(receiver, writing=True)
    if source is None or destination is None:
        return MESSAGE_REGISTERS
    index: u8 = MESSAGE_REGISTERS
    while index + 8 <= length:
        _copy_words(source, destination, index, 8)
        index += 8
    if index + 4 <= length:
        _copy_words(source, destination, index, 4)
        index += 4
    if index + 2 <= length:
        _copy_words(source, destination, index, 2)
        index += 2
    if index < length:
        _copy_words(source, destination, index, 1)
    return length


@inline
def _copy_words(source: IPCBuffer, destination: IPCBuffer, first: u8, count: u8) -> None:
    """Copy so many words, a constant: one load and one store for each."""
    for index in range(first, first + count):
        destination.words[index] = source.words[index]


def _transfer_capabilities(
    sender: Thread, receiver: Thread, endpoint: Endpoint | None, count: u2
) -> tuple[u2, u3]:
    """Transfer up to `count` capabilities, ending at the first that cannot be; return how many, and the
    unwrapped.

    A capability to the very endpoint that the message goes through is unwrapped: the receiver gets its
    badge. Of the others one can be received, into the slot that the receiver's buffer names. Manual:
    "Capability Transfer".
    """
    source, destination = buffer_of(sender, writing=False), buffer_of(receiver, writing=True)
    if source is None or destination is None:
        return 0, 0
    unwrapped: u3 = 0
    is_slot_free = True
    for index in range(count):
        try:
            slot = cspace.lookup_slot(sender, source.caps_or_badges[index])
        except LookupFailure:
            return index, unwrapped
        cap = slot.cap
        if endpoint is not None and isinstance(cap, EndpointCap) and cap.endpoint is endpoint:
            destination.caps_or_badges[index] = cap.badge
            unwrapped |= 1 << index
        elif is_slot_free and _receive(slot, receiver, destination):
            is_slot_free = False
        else:
            return index, unwrapped
    return count, unwrapped


def _receive(source: Slot, receiver: Thread, buffer: IPCBuffer) -> bool:
    """Derive the capability at `source` into the receiver's receive slot; False if that is not possible."""
    try:
        root = cspace.lookup_slot(receiver, buffer.receive_cnode).cap
        destination = cspace.lookup_in(root, buffer.receive_index, buffer.receive_depth, False)
        if not isinstance(destination.cap, NullCap):
            raise DeleteFirst()
        derived = capability.derive(source, source.cap)
        if isinstance(derived, NullCap):
            raise IllegalOperation()
        cspace.insert(derived, source, destination)
    except (LookupFailure, FailedLookup, RangeError, DeleteFirst, RevokeFirst, IllegalOperation):
        return False
    return True
