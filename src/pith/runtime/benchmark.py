"""Benchmark calls: what a kernel that was built for benchmarks measures of itself (docs/measuring.md).

    entries       set_log_buffer, reset_log, what is to be measured, finalize_log: the page holds a Record an entry
    utilisation   reset_log, what is to be measured, finalize_log; then get_thread_utilisation of whom one likes

Only kernels built so have them, and their numbers stand behind those of the debug calls, which the kernel must have
too: that is how `pith run --benchmark` builds it. Elsewhere they are faults: an unknown system call.
"""

from __future__ import annotations

from pith.abi.benchmark import Utilisation
from pith.abi.syscalls import BenchmarkCall, DebugCall
from pith.metal import MASK64, machine, u64

from .capability import CPtr
from .process import ipc_buffer


def number(call: BenchmarkCall) -> u64:
    return (int(DebugCall.NAME_THREAD) - 1 - int(call)) & MASK64


def _ask(call: BenchmarkCall, cap: CPtr) -> u64:
    answer, _, _, _, _, _, _ = machine.system_call(number(call), cap, 0, 0, 0, 0, 0, 0)
    return answer


def flush_caches() -> None:
    """Empty the caches and translation buffers that the processor has orders for."""
    _ask(BenchmarkCall.FLUSH_CACHES, 0)


def reset_log() -> u64:
    """Measure from now on, with nothing measured before; an ErrorCode, not 0 where a log has no page."""
    return _ask(BenchmarkCall.RESET_LOG, 0)


def finalize_log() -> u64:
    """Measure no longer; how many records the log holds, if there is one."""
    return _ask(BenchmarkCall.FINALIZE_LOG, 0)


def set_log_buffer(frame: CPtr) -> u64:
    """Let the kernel write its log into a frame of 2 MiB; an ErrorCode, not 0 if it is no such frame."""
    return _ask(BenchmarkCall.SET_LOG_BUFFER, frame)


def null_syscall() -> None:
    """Enter the kernel, and leave it again."""
    _ask(BenchmarkCall.NULL_SYSCALL, 0)


def get_thread_utilisation(thread: CPtr) -> None:
    """Have the kernel tell of a thread, of idleness and of everything; `told` reads the answer."""
    _ask(BenchmarkCall.GET_THREAD_UTILISATION, thread)


def told(what: Utilisation) -> u64:
    """A figure of the last answer to `get_thread_utilisation`."""
    return ipc_buffer().words[int(what)]


def reset_thread_utilisation(thread: CPtr) -> None:
    """Begin to count anew for a thread."""
    _ask(BenchmarkCall.RESET_THREAD_UTILISATION, thread)


def dump_all_threads_utilisation() -> None:
    """Have the kernel print a line `name,cycles` for each thread in our root CNode."""
    _ask(BenchmarkCall.DUMP_ALL_THREADS_UTILISATION, 0)


def reset_all_threads_utilisation() -> None:
    """Begin to count anew for each thread in our root CNode."""
    _ask(BenchmarkCall.RESET_ALL_THREADS_UTILISATION, 0)
