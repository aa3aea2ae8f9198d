"""Debug system calls, and what the kernel itself prints. A build without DEBUG has none of them.

They answer to whoever makes them, ask for no capability, and are no part of the API that programs may rely
on. Manual: API reference, "Debugging System Calls".
"""

from __future__ import annotations

from typing import Final, get_args

from pith.abi.capabilities import CapabilityKind
from pith.abi.syscalls import DebugCall
from pith.metal import i64, text_sink, u5, u32, u52, u64
from pith.metal.machine import sbi_call

from . import budget, cspace, release
from .errors import LookupFailure
from .message import buffer_of
from .objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    EndpointCap,
    FaultKind,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    Register,
    ReplyCap,
    SchedContextCap,
    SchedControlCap,
    Thread,
    ThreadCap,
    ThreadState,
    UntypedCap,
    ZombieCap,
)
from .riscv64.csr import Cause
from .state import PRIORITIES, kernel

DEBUG: Final = True

# How much is told of invocations that fail, see complaint.py.
SILENT: Final = 0
ONCE: Final = 1
ALL: Final = 2
LEVEL: Final[int] = ONCE

SBI_PUT_CHAR: Final = 1
SBI_RESET: Final = 0x53525354
NAME_LENGTH: Final = 31

KINDS: Final = "".join(kind.__name__.removesuffix("Cap") + "\n" for kind in get_args(Cap))  # a line per tag
NEWLINE: Final = ord("\n")
SPACE: Final = ord(" ")
MARK: Final = ord("#")  # before a word, see complaint.py


def handle(thread: Thread, number: i64) -> bool:
    """Do debug call `number`; False if there is no such call."""
    if not DEBUG:
        return False
    registers = thread.registers
    match number:
        case DebugCall.PUT_CHAR:
            put_character(registers[Register.A0] & 0xFF)
        case DebugCall.HALT:
            put("halted by a system call\n")
            sbi_call(SBI_RESET, 0, 0, 0, 0)
        case DebugCall.CAP_IDENTIFY:
            registers[Register.A0] = identify(thread, registers[Register.A0])
        case DebugCall.NAME_THREAD:
            _name_thread(thread, registers[Register.A0])
        case _:
            return False
    return True


def identify(thread: Thread, address: u64) -> CapabilityKind:
    """What kind of capability the thread has at `address`; NULL if none."""
    try:
        return _kind_of(cspace.lookup_cap(thread, address))
    except LookupFailure:
        return CapabilityKind.NULL


def _kind_of(cap: Cap) -> CapabilityKind:
    match cap:
        case NullCap():
            return CapabilityKind.NULL
        case UntypedCap():
            return CapabilityKind.UNTYPED
        case EndpointCap():
            return CapabilityKind.ENDPOINT
        case NotificationCap():
            return CapabilityKind.NOTIFICATION
        case ReplyCap():
            return CapabilityKind.REPLY
        case CNodeCap():
            return CapabilityKind.CNODE
        case ThreadCap():
            return CapabilityKind.THREAD
        case SchedContextCap():
            return CapabilityKind.SCHED_CONTEXT
        case SchedControlCap():
            return CapabilityKind.SCHED_CONTROL
        case IRQControlCap():
            return CapabilityKind.IRQ_CONTROL
        case IRQHandlerCap():
            return CapabilityKind.IRQ_HANDLER
        case DomainCap():
            return CapabilityKind.DOMAIN
        case FrameCap():
            return CapabilityKind.FRAME
        case PageTableCap():
            return CapabilityKind.PAGE_TABLE
        case ASIDControlCap():
            return CapabilityKind.ASID_CONTROL
        case ASIDPoolCap():
            return CapabilityKind.ASID_POOL
        case ZombieCap():
            return CapabilityKind.ZOMBIE


def _name_thread(thread: Thread, address: u64) -> None:
    """Name the thread at `address` by the text in the caller's message words."""
    buffer = buffer_of(thread, writing=False)
    try:
        cap = cspace.lookup_cap(thread, address)
    except LookupFailure:
        cap = NullCap()
    if buffer is None or not isinstance(cap, ThreadCap):
        put("only a thread can be named, by one that has an IPC buffer\n")
        return
    for index in range(NAME_LENGTH):
        character = buffer.words[index // 8] >> (8 * (index % 8)) & 0xFF
        cap.thread.name[index] = character
        if not character:
            return


def set_name(thread: Thread, name: str) -> None:
    """Name a thread that the kernel itself makes."""
    if not DEBUG:
        return
    length = min(len(name), NAME_LENGTH)
    for index in range(length):
        thread.name[index] = ord(name[index])
    thread.name[length] = 0


def set_maker(thread: Thread) -> None:
    """Note that the current thread made this new one, which is told by that as long as it has no name.

    The maker's name stands behind the zero byte that says so. Who was made by a nameless thread goes by that one's maker.
    """
    maker = kernel.current
    if not DEBUG or maker is None:
        return
    start = 0 if maker.name[0] else 1
    for index in range(NAME_LENGTH - 1):
        thread.name[index + 1] = maker.name[start + index]


# Printing ---------------------------------------------------------------------------------------------------


def put_character(character: u64) -> None:
    """One byte to the console."""
    sbi_call(SBI_PUT_CHAR, 0, character, 0, 0)


def put_number(value: u64, base: u5, width: u5, prefix: bool) -> None:
    """A number, padded with zeros to `width` digits."""
    if prefix:
        put("0x")
    digits: u64 = 1
    power: u64 = 1
    while digits < width or value // power >= base:
        power *= base
        digits += 1
    while digits > 0:
        digit = value // power % base
        put_character(digit + (48 if digit < 10 else 87))
        power = max(power // base, 1)
        digits -= 1


@text_sink(number=put_number)
def put(text: str) -> None:
    """Text to the console."""
    for index in range(len(text)):
        put_character(ord(text[index]))


def put_name(thread: Thread) -> None:
    """The thread's name; if it has none its address, and who made it."""
    start = 0
    if not thread.name[0]:
        put(f"thread {thread.address:#x}")
        if not thread.name[1]:
            return
        put(", made by ")
        start = 1
    for index in range(start, NAME_LENGTH):
        if not thread.name[index]:  # behind it may be the rest of a longer name
            return
        put_character(thread.name[index])


def line(text: str, number: u52) -> u32:
    """Where line `number` begins."""
    position: u32 = 0
    left: u52 = number
    while left > 0:
        if ord(text[position]) == NEWLINE:
            left -= 1
        position += 1
    return position


def put_word(text: str, start: u32) -> None:
    """The word that begins there, without its mark."""
    position: u32 = start
    while ord(text[position]) != SPACE and ord(text[position]) != NEWLINE:
        if ord(text[position]) != MARK:
            put_character(ord(text[position]))
        position += 1


def put_kind(cap: Cap) -> None:
    """The kind of the capability, by its name."""
    put_word(KINDS, line(KINDS, cap.bits & 31))


def tell_end(thread: Thread) -> None:
    """Say if the thread stopped at a fault, because it has no handler; without a word, nobody would know why."""
    if not DEBUG or thread.state is not ThreadState.INACTIVE or thread.fault_kind is FaultKind.NONE:
        return
    put("\n")
    put_name(thread)
    put(f" stops at pc {thread.registers[Register.FAULT_PC]:#x}, for it has no fault handler: ")
    first = thread.fault_words[0]
    match thread.fault_kind:
        case FaultKind.VM:
            put(f"no access to address {first:#x}\n")
        case FaultKind.USER_EXCEPTION if first == Cause.ILLEGAL_INSTRUCTION:
            put("illegal instruction\n")
        case FaultKind.USER_EXCEPTION:
            put(f"exception {first}\n")
        case FaultKind.UNKNOWN_SYSCALL:
            put(f"unknown system call {first:#x}\n")
        case _:
            put(f"no capability at {first:#x}\n")


def dump_scheduler() -> None:
    """The current thread, the ready ones by priority, and those that wait for budget."""
    if kernel.current is not None:
        put("runs   ")
        put_thread(kernel.current)
    for below in range(PRIORITIES):
        thread = kernel.ready[kernel.current_domain].queues[PRIORITIES - 1 - below].head
        while thread is not None:
            put("ready  ")
            put_thread(thread)
            thread = thread.queue_next
    thread = kernel.next_release
    while thread is not None:
        put("waits  ")
        put_thread(thread)
        thread = release.following(thread)


def put_thread(thread: Thread) -> None:
    """The rest of a line about the thread."""
    context = thread.context
    put_name(thread)
    put(f", priority {thread.priority}, pc {thread.registers[Register.NEXT_PC]:#x}")
    if context is not None and budget.is_active(context):
        put(f", {budget.first(context).amount} ticks from {budget.first(context).time}")
    put("\n")
