"""Invocations of thread (TCB) capabilities.

Each function checks all of its arguments, in the order that programs can observe, and then does the whole
operation; only replacing the thread's own capabilities can be interrupted, because deleting the old ones
can take long. Then the call is made again, and what was done is done again to the same effect.

Manual: API reference, "seL4_TCB"; "Message Layout of the Read-/Write-Registers Methods".
"""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.abi.messages import MESSAGE_REGISTERS
from pith.abi.objects import IPC_BUFFER_BITS
from pith.metal import u2, u7, u64

from . import binding, capability, cspace, derivation, fault, notification, scheduler
from . import thread as threads
from .errors import AlignmentError, IllegalOperation, InvalidCapability, RangeError, TruncatedMessage
from .fault_message import CONTEXT_REGISTERS, Layout, register_at
from .message import Invocation, argument, buffer_of, current, extra_slot, put_result, require
from .objects import (
    Cap,
    CNodeCap,
    FrameCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    Register,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
)
from .riscv64 import fpu, vspace

FRAME_REGISTERS: Final = 16  # of a context: pc, ra, sp, gp, s0-s11; the others are its integer registers
KNOWN_FLAGS: Final = fpu.FPU_DISABLED


def invoke_thread(cap: ThreadCap, call: Invocation) -> u7:
    """Do what `call` asks of the thread; how many result words it put."""
    thread = cap.thread
    match call.label:
        case Label.TCB_READ_REGISTERS:
            return _read_registers(thread, call)
        case Label.TCB_WRITE_REGISTERS:
            _write_registers(thread, call)
        case Label.TCB_COPY_REGISTERS:
            _copy_registers(thread, call)
        case Label.TCB_CONFIGURE:
            _configure(thread, call)
        case Label.TCB_SET_PRIORITY:
            _set_priority(thread, call)
        case Label.TCB_SET_MC_PRIORITY:
            _set_max_priority(thread, call)
        case Label.TCB_SET_SCHED_PARAMS:
            _set_sched_params(thread, call)
        case Label.TCB_SET_TIMEOUT_ENDPOINT:
            _set_timeout_endpoint(thread, call)
        case Label.TCB_SET_IPC_BUFFER:
            _set_ipc_buffer(thread, call)
        case Label.TCB_SET_SPACE:
            _set_space(thread, call)
        case Label.TCB_SUSPEND:
            threads.suspend(thread)
        case Label.TCB_RESUME:
            threads.restart(thread)
        case Label.TCB_BIND_NOTIFICATION:
            _bind_notification(thread, call)
        case Label.TCB_UNBIND_NOTIFICATION:
            _unbind_notification(thread)
        case Label.TCB_SET_TLS_BASE:
            require(call, 1, 0)
            thread.registers[Register.TP] = argument(call, 0)
        case Label.TCB_SET_FLAGS:
            return _set_flags(thread, call)
        case _:
            raise IllegalOperation()
    return 0


# Registers --------------------------------------------------------------------------------------------------


def _read_registers(thread: Thread, call: Invocation) -> u7:
    require(call, 2, 0)
    suspends, count = argument(call, 0) & 1, argument(call, 1)
    if not 1 <= count <= CONTEXT_REGISTERS:
        raise RangeError(1, CONTEXT_REGISTERS)
    if thread is current():
        raise IllegalOperation()
    if suspends:
        threads.suspend(thread)
    if buffer_of(current(), writing=True) is None:
        count = min(count, MESSAGE_REGISTERS)
    for index in range(count):
        put_result(index, thread.registers[register_at(Layout.CONTEXT, index)])
    return count


def _write_registers(thread: Thread, call: Invocation) -> None:
    require(call, 2, 0)
    resumes, count = argument(call, 0) & 1, argument(call, 1)
    if call.length - 2 < count:
        raise TruncatedMessage()
    if thread is current():
        raise IllegalOperation()
    scheduler.disown_cancellation(thread)
    for index in range(min(count, CONTEXT_REGISTERS)):
        thread.registers[register_at(Layout.CONTEXT, index)] = argument(call, 2 + index)
    thread.registers[Register.NEXT_PC] = thread.registers[Register.FAULT_PC]
    if resumes:
        threads.restart(thread)


def _copy_registers(thread: Thread, call: Invocation) -> None:
    require(call, 1, 1)
    flags, source_cap = argument(call, 0), extra_slot(call, 0).cap
    if not isinstance(source_cap, ThreadCap):
        raise InvalidCapability(1)
    source = source_cap.thread
    if flags & 0b0001:
        threads.suspend(source)
    if flags & 0b0010:
        threads.restart(thread)
    if flags & 0b0100:
        _copy(source, thread, 0, FRAME_REGISTERS)
        thread.registers[Register.NEXT_PC] = thread.registers[Register.FAULT_PC]
    if flags & 0b1000:
        _copy(source, thread, FRAME_REGISTERS, CONTEXT_REGISTERS)


def _copy(source: Thread, destination: Thread, start: u7, end: u7) -> None:
    scheduler.disown_cancellation(destination)
    for index in range(start, end):
        register = register_at(Layout.CONTEXT, index)
        destination.registers[register] = source.registers[register]


def _set_flags(thread: Thread, call: Invocation) -> u7:
    require(call, 2, 0)
    clear, set_ = argument(call, 0), argument(call, 1)
    thread.flags = (thread.flags & ~clear | set_) & KNOWN_FLAGS
    if thread.flags & fpu.FPU_DISABLED:
        fpu.deny(thread)
    put_result(0, thread.flags)
    return 1


# Priorities and time ----------------------------------------------------------------------------------------


def _priority_argument(call: Invocation, index: u7) -> u64:
    """A priority that the thread in the first extra capability may give."""
    authority = extra_slot(call, 0).cap
    if not isinstance(authority, ThreadCap):
        raise InvalidCapability(1)
    priority = argument(call, index)
    if priority > authority.thread.max_priority:
        raise RangeError(0, authority.thread.max_priority)
    return priority


def _set_priority(thread: Thread, call: Invocation) -> None:
    require(call, 1, 1)
    threads.set_priority(thread, _priority_argument(call, 0))


def _set_max_priority(thread: Thread, call: Invocation) -> None:
    require(call, 1, 1)
    thread.max_priority = _priority_argument(call, 0)


def _set_sched_params(thread: Thread, call: Invocation) -> None:
    require(call, 2, 3)
    max_priority, priority = _priority_argument(call, 0), _priority_argument(call, 1)
    context = _context_argument(thread, extra_slot(call, 1).cap)
    handler = _handler_argument(call, 2, 3)
    _replace(thread, call, ThreadSlot.FAULT_HANDLER, handler.cap, handler)
    thread.max_priority = max_priority
    threads.set_priority(thread, priority)
    if context is not None and context.thread is not thread:
        binding.bind(context, thread)
    elif context is None and thread.context is not None:
        binding.unbind(thread.context)


def _context_argument(thread: Thread, cap: Cap) -> SchedContext | None:
    """The scheduling context that `thread` is to have from now on."""
    match cap:
        case SchedContextCap(context=context):
            if context.thread is not thread:
                binding.ensure_bindable(context, thread)
            return context
        case NullCap():
            if thread is current():
                raise IllegalOperation()
            return None
        case _:
            raise InvalidCapability(2)


# Handlers, spaces and the IPC buffer ------------------------------------------------------------------------


def _set_timeout_endpoint(thread: Thread, call: Invocation) -> None:
    require(call, 0, 1)
    handler = _handler_argument(call, 0, 1)
    _replace(thread, call, ThreadSlot.TIMEOUT_HANDLER, handler.cap, handler)


def _set_space(thread: Thread, call: Invocation) -> None:
    require(call, 2, 3)
    cspace_root = _cspace_argument(call, 1, argument(call, 0))
    vspace_root = _vspace_argument(call, 2, argument(call, 1))
    handler = _handler_argument(call, 0, 1)
    _replace(thread, call, ThreadSlot.FAULT_HANDLER, handler.cap, handler)
    _replace(thread, call, ThreadSlot.CSPACE, cspace_root, extra_slot(call, 1))
    _replace_vspace(thread, call, vspace_root, extra_slot(call, 2))


def _replace_vspace(thread: Thread, call: Invocation, root: Cap, source: Slot) -> None:
    """Let the thread see memory through another root, at once if it is the one that asks for it."""
    _replace(thread, call, ThreadSlot.VSPACE, root, source)
    vspace.begin_epoch()
    if thread is current():
        vspace.refresh()


def _set_ipc_buffer(thread: Thread, call: Invocation) -> None:
    require(call, 1, 1)
    buffer = _buffer_argument(call, 0, argument(call, 0))
    _replace_buffer(thread, call, argument(call, 0), buffer, extra_slot(call, 0))


def _configure(thread: Thread, call: Invocation) -> None:
    require(call, 3, 3)
    address = argument(call, 2)
    buffer = _buffer_argument(call, 2, address)
    cspace_root = _cspace_argument(call, 0, argument(call, 0))
    vspace_root = _vspace_argument(call, 1, argument(call, 1))
    _replace(thread, call, ThreadSlot.CSPACE, cspace_root, extra_slot(call, 0))
    _replace_vspace(thread, call, vspace_root, extra_slot(call, 1))
    _replace_buffer(thread, call, address, buffer, extra_slot(call, 2))


def _handler_argument(call: Invocation, index: u2, number: u7) -> Slot:
    """The slot of a fault handler, or of nothing."""
    slot = extra_slot(call, index)
    if not isinstance(slot.cap, NullCap) and not fault.is_handler(slot.cap):
        raise InvalidCapability(number)
    return slot


def _cspace_argument(call: Invocation, index: u2, data: u64) -> Cap:
    """A copy of a CNode capability, with another guard if `data` says so."""
    slot = extra_slot(call, index)
    cap = slot.cap if data == 0 else capability.with_data(slot.cap, data, is_moved=False)
    copy = capability.derive(slot, cap)
    if not isinstance(copy, CNodeCap):
        raise IllegalOperation()
    return copy


def _vspace_argument(call: Invocation, index: u2, data: u64) -> Cap:
    """A copy of a capability to the root of an address space."""
    slot = extra_slot(call, index)
    cap = slot.cap if data == 0 else capability.with_data(slot.cap, data, is_moved=False)
    copy = capability.derive(slot, cap)
    if not (isinstance(copy, PageTableCap) and copy.is_mapped and copy.is_root):
        raise IllegalOperation()
    return copy


def _buffer_argument(call: Invocation, index: u2, address: u64) -> Cap:
    """A copy of the frame for an IPC buffer at `address`; none for address 0."""
    if address == 0:
        return NullCap()
    slot = extra_slot(call, index)
    copy = capability.derive(slot, slot.cap)
    if not isinstance(copy, FrameCap) or copy.is_device:
        raise IllegalOperation()
    if address % (1 << IPC_BUFFER_BITS):
        raise AlignmentError()
    return copy


def _replace_buffer(thread: Thread, call: Invocation, address: u64, frame: Cap, source: Slot) -> None:
    derivation.delete(thread.slots[ThreadSlot.BUFFER])
    if isinstance(frame, FrameCap):
        thread.buffer_offset = address & ((1 << vspace.span_bits(frame.size)) - 1)
    _replace(thread, call, ThreadSlot.BUFFER, frame, source)


def _replace(thread: Thread, call: Invocation, which: ThreadSlot, cap: Cap, source: Slot) -> None:
    """Put `cap`, made from the one in `source`, in place of one of the thread's own."""
    slot = thread.slots[which]
    derivation.delete(slot)
    if isinstance(cap, NullCap):
        return
    own = call.slot.cap  # the deletion may have ended the thread, or what was to be installed
    if capability.same_object(cap, source.cap) and isinstance(own, ThreadCap) and own.thread is thread:
        cspace.insert(cap, source, slot)


# Notifications ----------------------------------------------------------------------------------------------


def _bind_notification(thread: Thread, call: Invocation) -> None:
    require(call, 0, 1)
    if thread.bound_notification is not None:
        raise IllegalOperation()
    match extra_slot(call, 0).cap:
        case NotificationCap(can_receive=True, notification=target):
            if target.queue.head is not None or target.bound_thread is not None:
                raise IllegalOperation()
            notification.bind(target, thread)
        case _:
            raise IllegalOperation()


def _unbind_notification(thread: Thread) -> None:
    if thread.bound_notification is None:
        raise IllegalOperation()
    notification.unbind(thread.bound_notification)
