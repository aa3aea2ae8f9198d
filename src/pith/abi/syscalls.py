"""System call numbers (manual, chapter "Kernel services and objects"; libsel4 `syscall.xml`).

Register convention: a7 the number; a0 capability (badge on return), a1 message info, a2-a5 message registers 0-3,
a6 the reply capability; for the two-capability calls (NBSendRecv, NBSendWait) t0 the capability to send to.
"""

from enum import IntEnum


class SystemCall(IntEnum):
    """The eleven calls of the MCS kernel."""

    CALL = -1
    REPLY_RECV = -2
    NB_SEND_RECV = -3
    NB_SEND_WAIT = -4
    SEND = -5
    NB_SEND = -6
    RECV = -7
    NB_RECV = -8
    WAIT = -9
    NB_WAIT = -10
    YIELD = -11


class DebugCall(IntEnum):
    """Calls that exist in kernels built with debugging (printing: the first two)."""

    PUT_CHAR = -12
    DUMP_SCHEDULER = -13
    HALT = -14
    CAP_IDENTIFY = -15
    SNAPSHOT = -16
    NAME_THREAD = -17


class BenchmarkCall(IntEnum):
    """Calls that exist in kernels built for benchmarks, by their place behind the last debug call (or Yield).

    From GET_THREAD_UTILISATION on, only in those that track utilisation; the last two in debug builds of these.
    """

    FLUSH_CACHES = 0
    RESET_LOG = 1
    FINALIZE_LOG = 2
    SET_LOG_BUFFER = 3
    NULL_SYSCALL = 4
    GET_THREAD_UTILISATION = 5
    RESET_THREAD_UTILISATION = 6
    DUMP_ALL_THREADS_UTILISATION = 7
    RESET_ALL_THREADS_UTILISATION = 8
