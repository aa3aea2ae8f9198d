"""Complaints: a debug build tells why an invocation failed, in one line, as the engineer who reads it wants it.

    driver: TCB_SetPriority on 0x5 (Thread): priority 200, authority 0x2 (Thread): RangeError: priority must be 0 to 100

Which thread, which invocation on which capability, all arguments by name with what was found in them, the
error, and what would have been allowed. The reply itself carries only numbers, so this is said before it is made,
while the message still stands in the caller's registers.

`debug.LEVEL` sets how much is told: SILENT nothing; ONCE what somebody waits for and did not expect, and of the
same thread the same error, from the same place of its program, only when another came between; ALL everything. What programs do on purpose is
expected: they find out by trying which page table is missing, or whether an untyped has room.

The interface's names are data: a line per label in one text, looked up by counting lines. An argument's number counts
the words first and then the capabilities, as the line does.
"""

from __future__ import annotations

from typing import Final

from pith.abi.errors import ErrorCode, LookupFailureKind
from pith.abi.labels import Label
from pith.abi.objects import IPC_BUFFER_BITS, MAX_UNTYPED_BITS, USER_TOP, WORD_BITS, ObjectType
from pith.metal import MASK64, u6, u7, u32, u52, u64

from . import debug
from .debug import MARK, NEWLINE, SPACE, line, put, put_kind, put_word
from .domain import LONGEST
from .message import Invocation, argument, current
from .objects import FrameCap, NullCap, Register
from .riscv64.vspace import span_bits
from .state import kernel

# Name, words, "/", extra capabilities. "#": a word that must lie in a range.
SIGNATURES: Final = """\
Invalid
Untyped_Retype type size_bits node_index node_depth node_offset num_objects / root
TCB_ReadRegisters flags #count
TCB_WriteRegisters flags count
TCB_CopyRegisters flags / source
TCB_Configure cspace_root_data vspace_root_data buffer / cspace_root vspace_root buffer_frame
TCB_SetPriority #priority / authority
TCB_SetMCPriority #mcp / authority
TCB_SetSchedParams #mcp #priority / authority sched_context fault_ep
TCB_SetTimeoutEndpoint / timeout_ep
TCB_SetIPCBuffer buffer / buffer_frame
TCB_SetSpace cspace_root_data vspace_root_data / fault_ep cspace_root vspace_root
TCB_Suspend
TCB_Resume
TCB_BindNotification / notification
TCB_UnbindNotification
TCB_SetTLSBase tls_base
TCB_SetFlags clear set
CNode_Revoke index #depth
CNode_Delete index #depth
CNode_CancelBadgedSends index #depth
CNode_Copy dest_index #dest_depth src_index #src_depth rights / src_root
CNode_Mint dest_index #dest_depth src_index #src_depth rights badge / src_root
CNode_Move dest_index #dest_depth src_index #src_depth / src_root
CNode_Mutate dest_index #dest_depth src_index #src_depth badge / src_root
CNode_Rotate dest_index #dest_depth dest_badge pivot_index #pivot_depth pivot_badge src_index #src_depth / \
pivot_root src_root
IRQControl_Get #irq index #depth / root
IRQHandler_Ack
IRQHandler_SetNotification / notification
IRQHandler_Clear
DomainSet_Set domain / thread
DomainSet_ScheduleConfigure #index #domain duration
DomainSet_ScheduleSetStart #index
SchedControl_ConfigureFlags #budget #period #extra_refills badge flags / sched_context
SchedContext_Bind / object
SchedContext_Unbind
SchedContext_UnbindObject / object
SchedContext_Consumed
SchedContext_YieldTo
PageTable_Map vaddr attributes / vspace
PageTable_Unmap
Page_Map vaddr rights attributes / vspace
Page_Unmap
Page_GetAddress
ASIDControl_MakePool index #depth / untyped root
ASIDPool_Assign / vspace
IRQControl_GetTrigger #irq trigger index #depth / root
"""

# Whose operation each label is: a character per label, the tag of a kind of capability.
ALIASES: Final = {"Invalid": "Null", "TCB": "Thread", "DomainSet": "Domain", "Page": "Frame"}
OWNERS: Final = "".join(
    chr(debug.KINDS.split().index(ALIASES.get(prefix, prefix)))
    for prefix in (signature.split("_")[0] for signature in SIGNATURES.splitlines())
)

SLASH: Final = ord("/")

NOBODY: Final = 127  # the number of no argument
READABLE: Final = 9999  # numbers up to here are told in decimal


def tell(call: Invocation, code: ErrorCode, word0: u64, word1: u64) -> None:
    """Complain about the current thread's invocation; the words are those of the error's reply."""
    if not debug.DEBUG or debug.LEVEL == debug.SILENT:
        return
    thread = current()
    if debug.LEVEL == debug.ONCE:
        complaint = (thread.registers[Register.FAULT_PC] << 16 | call.label << 8 | code) & MASK64
        if not kernel.wants_answer or _is_expected(call.label, code) or thread.complaint == complaint:
            return
        thread.complaint = complaint
    debug.put_name(thread)
    put(": ")
    _put_call(call)
    _put_reason(call, code, word0, word1)


def tell_lost(address: u64) -> None:
    """Complain that nothing was found at `address`, where the current thread did not wait for an answer."""
    if not debug.DEBUG or debug.LEVEL != debug.ALL:
        return
    debug.put_name(current())
    put(f": no capability at {address:#x}: its message, which it did not wait to have sent, is lost\n")


def _is_expected(label: u52, code: ErrorCode) -> bool:
    """Whether programs make this error on purpose, to learn something."""
    match label:
        case Label.PAGE_MAP:
            return code is ErrorCode.FAILED_LOOKUP
        case Label.PAGE_TABLE_MAP:
            return code is ErrorCode.DELETE_FIRST
        case Label.UNTYPED_RETYPE:
            return code is ErrorCode.NOT_ENOUGH_MEMORY
        case _:
            return False


# What was asked for -----------------------------------------------------------------------------------------


def _put_call(call: Invocation) -> None:
    """The invocation, the capability that it is on, and its arguments with what was found in them."""
    if 0 < call.label < len(Label):
        put_word(SIGNATURES, line(SIGNATURES, call.label))
    else:
        put(f"label {call.label}")
    put(f" on {call.capability_address:#x} (")
    put_kind(call.slot.cap)
    put(")")
    number: u7 = 0
    while number < NOBODY and (name := _find(call.label, number)):
        put(", " if number else ": ")
        put_word(SIGNATURES, name)
        put(" ")
        _put_value(call, number)
        number += 1


def _put_value(call: Invocation, number: u7) -> None:
    words = _word_count(call.label)
    if number < words:
        if number >= call.length:
            put("missing")
        else:
            _put_number(argument(call, number))
        return
    slot = kernel.extra_slots[number - words] if number - words < call.extra_caps else None
    if slot is None or kernel.caller_buffer is None:
        put("missing")
        return
    _put_number(kernel.caller_buffer.caps_or_badges[number - words])
    put(" (")
    put_kind(slot.cap)
    put(")")


# What was wrong with it -------------------------------------------------------------------------------------


def _put_reason(call: Invocation, code: ErrorCode, word0: u64, word1: u64) -> None:
    """The error, the argument that it is about, and what would have been right."""
    put(": ")
    match code:
        case ErrorCode.NO_ERROR:
            pass
        case ErrorCode.INVALID_ARGUMENT:
            put("InvalidArgument: ")
            _put_culprit(call, min(word0, NOBODY))
            _put_sense(call, word0)
        case ErrorCode.INVALID_CAPABILITY:
            put("InvalidCapability: ")
            if isinstance(call.slot.cap, NullCap):
                put("nothing is there")
            else:
                _put_culprit(call, _capability_number(call.label, word0))
                put(" is of the wrong kind, or not usable for this now")
        case ErrorCode.ILLEGAL_OPERATION:
            put("IllegalOperation: ")
            _put_obstacle(call)
        case ErrorCode.RANGE_ERROR:
            put("RangeError: ")
            _put_culprit(call, _number_outside(call, word0, word1))
            put(" must be ")
            _put_number(word0)
            put(" to ")
            _put_number(word1)
        case ErrorCode.ALIGNMENT_ERROR:
            put("AlignmentError: ")
            _put_culprit(call, 2 if call.label == Label.TCB_CONFIGURE else 0)
            cap = call.slot.cap
            bits: u6 = span_bits(cap.size) if isinstance(cap, FrameCap) else IPC_BUFFER_BITS
            put(f" must be a multiple of {1 << bits:#x}")
        case ErrorCode.FAILED_LOOKUP:
            put("FailedLookup: ")
            put("the source: " if word0 else "the destination: ")
            _put_lookup_failure(LookupFailureKind(word1))
        case ErrorCode.TRUNCATED_MESSAGE:
            put(f"TruncatedMessage: {call.length} words and {call.extra_caps} capabilities are too few")
        case ErrorCode.DELETE_FIRST:
            put("DeleteFirst: the place is taken")
        case ErrorCode.REVOKE_FIRST:
            put("RevokeFirst: others were made from it, or it is in use")
        case ErrorCode.NOT_ENOUGH_MEMORY:
            put(f"NotEnoughMemory: {word0} bytes are left")
    put("\n")


def _put_sense(call: Invocation, number: u64) -> None:
    """What would have made sense as that argument."""
    match call.label:
        case Label.UNTYPED_RETYPE if number == 0:
            put(f" must be 0 to {len(ObjectType) - 1}")
        case Label.UNTYPED_RETYPE:
            put(" is too small for the type, or a device's memory cannot become it")
        case Label.PAGE_MAP:
            put(f" must be where the page is mapped already, if it is; and the page end below {USER_TOP:#x}")
        case Label.PAGE_TABLE_MAP:
            put(f" must be below {USER_TOP:#x}")
        case Label.DOMAIN_SCHEDULE_CONFIGURE if number == 1:
            put(" must be 0 where the duration is 0, for that is an end marker")
        case Label.DOMAIN_SCHEDULE_CONFIGURE:
            put(f" must be 1 to {LONGEST:#x} ticks; 0 only where the schedule does not start")
        case _:
            put(" makes no sense here")


def _put_obstacle(call: Invocation) -> None:
    """What the operation would have needed, for nobody knows which part of it was missing."""
    kind = call.slot.cap.bits & 31
    if call.label >= len(Label) or ord(OWNERS[call.label]) != kind:
        put("the object has no such operation")
        return
    match call.label:
        case Label.CNODE_COPY | Label.CNODE_MINT:
            put(
                "nothing like it can be made: a page table must be mapped, interrupt control cannot be copied, "
            )
            put("a badge cannot be changed, and guard and slots of a CNode are at most 64 bits")
        case Label.CNODE_MUTATE | Label.CNODE_ROTATE:
            put("guard and slots of a CNode are at most 64 bits, moving cannot badge, the slots must differ")
        case Label.CNODE_CANCEL_BADGED_SENDS:
            put("the slot must hold an endpoint capability with all rights")
        case Label.TCB_CONFIGURE | Label.TCB_SET_SPACE | Label.TCB_SET_IPC_BUFFER:
            put("cspace_root must be a CNode that the guard fits, vspace_root the root of an address space, ")
            put("buffer_frame memory and no device")
        case Label.TCB_BIND_NOTIFICATION | Label.SCHED_CONTEXT_BIND:
            put("one of both is bound already, or they do not go together")
        case Label.TCB_UNBIND_NOTIFICATION | Label.SCHED_CONTEXT_UNBIND_OBJECT:
            put("they are not bound")
        case _:
            put("not with these capabilities and rights, in this state")


def _put_lookup_failure(kind: LookupFailureKind) -> None:
    match kind:
        case LookupFailureKind.NO_FAILURE | LookupFailureKind.MISSING_CAPABILITY:
            put("nothing is there")
        case LookupFailureKind.INVALID_ROOT:
            put("the root is none")
        case LookupFailureKind.DEPTH_MISMATCH:
            put("the slot is not at this depth")
        case LookupFailureKind.GUARD_MISMATCH:
            put("a guard does not match")


def _put_culprit(call: Invocation, number: u7) -> None:
    """The name of the argument; the capability itself if it is none."""
    name = _find(call.label, number)
    if name:
        put_word(SIGNATURES, name)
    else:
        put("it")


def _capability_number(label: u52, position: u64) -> u7:
    """Of the capability that an error counts from 1, 0 being the invoked one, save for handlers of interrupts."""
    if position == 0:
        return 0 if label == Label.IRQ_SET_IRQ_HANDLER else NOBODY
    return min(_word_count(label) + position - 1, NOBODY)


def _number_outside(call: Invocation, minimum: u64, maximum: u64) -> u7:
    """Of the word that was not in the range: the first such one, for they are checked in their order."""
    first: u7 = 0
    match call.label:
        case Label.UNTYPED_RETYPE if maximum == MAX_UNTYPED_BITS:
            return 1  # a CNode's size counts slots, and may lie in the range while the object does not
        case Label.UNTYPED_RETYPE if minimum == 0:
            return 4
        case Label.UNTYPED_RETYPE:
            return 3 if maximum == WORD_BITS and argument(call, 3) > WORD_BITS else 5
        case Label.SCHED_CONTROL_CONFIGURE_FLAGS if minimum == 0:
            first = 2  # times begin higher
        case _:
            pass
    for number in range(first, _word_count(call.label)):
        is_ranged = ord(SIGNATURES[_find(call.label, number)]) == MARK and number < call.length
        if is_ranged and not minimum <= argument(call, number) <= maximum:
            return number
    return NOBODY


# Names ------------------------------------------------------------------------------------------------------


def _find(label: u52, number: u7) -> u32:
    """Where the name of an invocation's argument stands in SIGNATURES; 0 if there is no such argument."""
    if label >= len(Label):
        return 0
    left: u7 = number
    position: u32 = line(SIGNATURES, label)
    while ord(SIGNATURES[position]) != NEWLINE:
        if ord(SIGNATURES[position]) == SPACE and ord(SIGNATURES[position + 1]) != SLASH:
            if left == 0:
                return position + 1
            left -= 1
        position += 1
    return 0


def _word_count(label: u52) -> u7:
    """How many of an invocation's arguments are words; the others are capabilities."""
    if label >= len(Label):
        return 0
    count: u7 = 0
    position: u32 = line(SIGNATURES, label)
    while ord(SIGNATURES[position]) != NEWLINE and ord(SIGNATURES[position]) != SLASH:
        if ord(SIGNATURES[position]) == SPACE and ord(SIGNATURES[position + 1]) != SLASH:
            count += 1
        position += 1
    return count


def _put_number(value: u64) -> None:
    if value > READABLE:
        put(f"{value:#x}")
    else:
        put(f"{value}")
