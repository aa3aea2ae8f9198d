"""Benchmark system calls: what the kernel measures of itself. With MODE OFF, as it is in all but a few builds, there are none.

As upstream, a build measures one of two things, in cycles of the processor:

    ENTRIES       every entry of the kernel, as a record in a log that a program gave a frame for
    UTILISATION   how much of the processor each thread had, and the kernel, and idleness

`enter` and `leave` bracket everything that the kernel does. The cycles from one exit to the next count for the
thread that was current between them; those since the entry are the kernel's, in that thread's name.

The log's frame is held by a capability in a slot of the kernel's own, derived from the program's, and so it is
revoked like any other; then the log ends. Manual: "Benchmarking System Calls"; layouts: abi/benchmark.py.
"""

from __future__ import annotations

from typing import Final

from pith.abi.benchmark import RECORDS, Path, Record, Request, Utilisation
from pith.abi.errors import ErrorCode
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.metal import MASK64, Array, Inline, Struct, array, i64, replace, static, u7, u32, u64
from pith.metal.machine import csr_read, fence, fence_instructions, fence_translations

from . import cspace, debug
from .capability import derive
from .debug import put
from .errors import IllegalOperation, LookupFailure, RevokeFirst
from .message import buffer_of, current, info_of
from .objects import CNodeCap, FrameCap, FrameSize, Register, Slot, Thread, ThreadCap, ThreadSlot, Usage
from .riscv64.csr import INTERRUPT, Cause
from .riscv64.window import window_of
from .state import kernel

OFF: Final = 0
ENTRIES: Final = 1
UTILISATION: Final = 2
MODE: Final[int] = OFF

LONGEST: Final = (1 << 32) - 1  # cycles that a record can tell


class Measuring(Struct):
    """What is being measured."""

    is_on: bool  # from ResetLog to FinalizeLog
    running: Thread | None  # since the last exit
    left: u64  # the cycle of that exit, or since when the running thread's cycles are not counted yet
    entered: u64  # the cycle of the last entry
    started: u64
    ended: u64
    total: Inline[Usage]
    is_recorded: bool  # the entry that is being served
    path: Path
    request: Request
    count: u32  # of records in the log


class LogSlot(Struct, align=32):
    """slots[0] holds the capability to the log's frame."""

    slots: Array[Slot] = array(1)


measuring: Final = static(Measuring)
log: Final = static(LogSlot)


# The calls --------------------------------------------------------------------------------------------------


def handle(thread: Thread, number: i64) -> bool:
    """Do benchmark call `number`; False if there is no such call."""
    if MODE == OFF:
        return False
    registers = thread.registers
    target = registers[Register.A0]
    last = DebugCall.NAME_THREAD if debug.DEBUG else SystemCall.YIELD
    match (last - 1 - number) & MASK64:
        case BenchmarkCall.FLUSH_CACHES:
            _flush_caches()
        case BenchmarkCall.RESET_LOG:
            registers[Register.A0] = int(_reset())
        case BenchmarkCall.FINALIZE_LOG:
            registers[Register.A0] = _finalise()
        case BenchmarkCall.SET_LOG_BUFFER:
            registers[Register.A0] = int(_set_log(thread, target))
        case BenchmarkCall.NULL_SYSCALL:
            pass
        case other:
            return MODE == UTILISATION and _handle_utilisation(thread, other, target)
    return True


def _handle_utilisation(thread: Thread, number: u64, target: u64) -> bool:
    """The calls that only a build with UTILISATION has; False if this is none."""
    match number:
        case BenchmarkCall.GET_THREAD_UTILISATION:
            _report(thread, _thread_at(thread, target))
        case BenchmarkCall.RESET_THREAD_UTILISATION:
            of = _thread_at(thread, target)
            if of is not None:
                _clear(of.usage)
        case BenchmarkCall.DUMP_ALL_THREADS_UTILISATION if debug.DEBUG:
            _for_all_threads(thread, clears=False)
        case BenchmarkCall.RESET_ALL_THREADS_UTILISATION if debug.DEBUG:
            _for_all_threads(thread, clears=True)
        case _:
            return False
    return True


def _flush_caches() -> None:
    """All that the architecture has orders for; data caches have none."""
    fence()
    fence_instructions()
    fence_translations()


def _reset() -> ErrorCode:
    """Measure from now on."""
    if MODE == ENTRIES and not isinstance(log.slots[0].cap, FrameCap):
        return ErrorCode.ILLEGAL_OPERATION
    now = csr_read("cycle")
    measuring.count = 0
    measuring.started = now
    measuring.entered = now
    measuring.left = now
    _clear(measuring.total)
    if kernel.idle is not None:
        _clear(kernel.idle.usage)
    measuring.is_on = True
    return ErrorCode.NO_ERROR


def _finalise() -> u32:
    """Measure no longer; how many records there are."""
    if measuring.is_on:
        measuring.ended = csr_read("cycle")
        _count_cycles(measuring.ended)
        measuring.is_on = False
    return measuring.count


def _set_log(thread: Thread, address: u64) -> ErrorCode:
    """Let the log be in the large page at `address`."""
    try:
        slot = cspace.lookup_slot(thread, address)
        match slot.cap:
            case FrameCap(size=FrameSize.MEGA, is_device=False, can_write=True):
                cspace.remove(log.slots[0])
                cspace.insert(derive(slot, slot.cap), slot, log.slots[0])
                measuring.count = 0
                return ErrorCode.NO_ERROR
            case _:
                return ErrorCode.ILLEGAL_OPERATION
    except (LookupFailure, IllegalOperation, RevokeFirst):
        return ErrorCode.ILLEGAL_OPERATION


# Around everything that the kernel does ---------------------------------------------------------------------


def enter(cause: u64) -> None:
    """The kernel is entered, in the name of the current thread."""
    if MODE == OFF:
        return
    thread = current()
    measuring.running = thread
    measuring.entered = csr_read("cycle")
    if MODE == UTILISATION and measuring.is_on:
        thread.usage.kernel_entries += 1
        measuring.total.kernel_entries += 1
    measuring.is_recorded = MODE == ENTRIES and measuring.is_on
    if measuring.is_recorded:
        measuring.path = _path_of(thread, cause)
        measuring.request = Request(0, 0, 0, 0)
        if measuring.path is Path.SYSCALL:
            measuring.request = _request_of(thread)


def leave(following: Thread, is_fastpath: bool = False) -> None:
    """The kernel is left, by the fast path or not; `following` runs now."""
    if MODE == OFF:
        return
    now = csr_read("cycle")
    if MODE == UTILISATION and measuring.is_on:
        _count_cycles(now)
        if following is not measuring.running:
            following.usage.switches += 1
            measuring.total.switches += 1
    if measuring.is_recorded:
        _record(now, is_fastpath)
    measuring.left = now


def _count_cycles(now: u64) -> None:
    """Count the cycles since the last exit, for who was running."""
    thread = measuring.running
    if thread is not None:
        thread.usage.cycles += now - measuring.left
        thread.usage.kernel_cycles += now - measuring.entered
    measuring.total.kernel_cycles += now - measuring.entered
    measuring.left = now
    measuring.entered = now


# Records ----------------------------------------------------------------------------------------------------


def _record(now: u64, is_fastpath: bool) -> None:
    """Write down the entry that ends now, if there is room."""
    frame = log.slots[0].cap
    if not isinstance(frame, FrameCap) or measuring.count >= RECORDS:
        return
    record = Array[Record].at(window_of(frame.base), RECORDS)[measuring.count]
    record.start = measuring.entered
    record.duration = min(max(now - measuring.entered, 0), LONGEST)
    record.path = int(measuring.path)
    word = replace(measuring.request, is_fastpath=int(is_fastpath)).bits
    for index in range(8):
        record.request[index] = word >> (8 * index) & 0xFF
    measuring.count += 1


def _path_of(thread: Thread, cause: u64) -> Path:
    if cause & INTERRUPT:
        return Path.INTERRUPT
    match cause:
        case Cause.USER_CALL:
            is_known = _positive_number(thread) <= -int(SystemCall.YIELD)
            return Path.SYSCALL if is_known else Path.UNKNOWN_SYSCALL
        case (
            Cause.INSTRUCTION_PAGE_FAULT
            | Cause.LOAD_PAGE_FAULT
            | Cause.STORE_PAGE_FAULT
            | Cause.INSTRUCTION_ACCESS_FAULT
            | Cause.LOAD_ACCESS_FAULT
            | Cause.STORE_ACCESS_FAULT
        ):
            return Path.VM_FAULT
        case _:
            return Path.USER_FAULT


def _positive_number(thread: Thread) -> u64:
    """The number of the thread's system call without its sign; the largest there is for a call that is none."""
    number = thread.registers[Register.A7]
    return MASK64 if number == 0 else (1 << 64) - number


def _request_of(thread: Thread) -> Request:
    """What the thread's system call asks for."""
    number = _positive_number(thread) & 15
    label = info_of(thread).label & 0x7FFFF
    return Request(number, debug.identify(thread, thread.registers[Register.A0]), 0, label)


# Utilisation ------------------------------------------------------------------------------------------------


def _report(thread: Thread, of: Thread | None) -> None:
    """Write what was counted into the caller's IPC buffer: the thread's, the idle thread's, and all."""
    buffer = buffer_of(thread, writing=True)
    idle = kernel.idle
    if buffer is None or of is None or idle is None:
        return
    words = buffer.words
    _put_usage(words, Utilisation.CYCLES, of.usage)
    words[Utilisation.IDLE_CYCLES] = idle.usage.cycles
    _put_usage(words, Utilisation.IDLE_THREAD_CYCLES, idle.usage)
    measuring.total.cycles = (csr_read("cycle") if measuring.is_on else measuring.ended) - measuring.started
    _put_usage(words, Utilisation.TOTAL_CYCLES, measuring.total)


def _put_usage(words: Array[u64], first: u7, usage: Usage) -> None:
    words[first] = usage.cycles
    words[first + 1] = usage.switches
    words[first + 2] = usage.kernel_cycles
    words[first + 3] = usage.kernel_entries


def _clear(usage: Usage) -> None:
    usage.cycles = 0
    usage.switches = 0
    usage.kernel_cycles = 0
    usage.kernel_entries = 0


def _thread_at(thread: Thread, address: u64) -> Thread | None:
    """The thread that the capability at `address` names."""
    try:
        cap = cspace.lookup_cap(thread, address)
    except LookupFailure:
        return None
    return cap.thread if isinstance(cap, ThreadCap) else None


def _for_all_threads(caller: Thread, clears: bool) -> None:
    """Print `name,cycles` of each thread in the caller's root CNode (there is no list of all threads), or clear it."""
    root = caller.slots[ThreadSlot.CSPACE].cap
    if not isinstance(root, CNodeCap):
        return
    for slot in Array[Slot].at(root.cnode.address, 1 << root.radix):
        cap = slot.cap
        if isinstance(cap, ThreadCap):
            if clears:
                _clear(cap.thread.usage)
            else:
                debug.put_name(cap.thread)
                put(f",{cap.thread.usage.cycles}\n")
