"""What every run begins with: a dozen threads that can do things to one another, made by system calls.

The initial thread makes objects of each kind out of the largest untyped, lets the threads share its CSpace, gives
each an IPC buffer, priorities near one another and budgets that run out, and lets them go. All that is a list of steps, so
every life goes through it; the slots that it fills are below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pith.abi.bootinfo import RootSlot
from pith.abi.labels import Label
from pith.abi.objects import ObjectType
from pith.abi.syscalls import BenchmarkCall, SystemCall
from pith.kernel import benchmark

from .steps import Step, benchmark_number, invoke, system_call

SCHED_CONTROL: Final = 19  # where this world's boot puts it
FIRST_DEVICE, LAST_DEVICE, KEPT_DEVICES = 21, 56, (38, 28, 34)  # untypeds: 64 KiB, 2 MiB, 1 GiB
PIECES: Final = 74  # of the largest untyped: slots 74..77
PAGES, PAGE_COUNT = 175, 3  # untypeds of a page each
THREADS, THREAD_COUNT = 80, 8
CONTEXTS: Final = 90
BUFFERS: Final = 100
ENDPOINTS, ENDPOINT_COUNT = 110, 4
NOTIFICATIONS, NOTIFICATION_COUNT = 115, 4
REPLIES, REPLY_COUNT = 120, 6
CNODES, CNODE_COUNT, CNODE_RADIX = 127, 2, 4
BADGED: Final = 130
LONE_ENDPOINTS, LONE_COUNT = 160, 6  # without copies, so that deleting one ends it
TABLES, TABLE_COUNT = 140, 4
FRAMES, FRAME_COUNT = 145, 4
HANDLERS, HANDLER_COUNT = 150, 3
LOG: Final = 170
FIRST_LINE: Final = 5
DEPTH: Final = 64
ALL_RIGHTS: Final = 15
FIRST_SERVER: Final = 5  # threads from this one on have no time of their own
DOMAIN_TICKS: Final = 30_000
BUFFER_ADDRESS: Final = 0x4000_0000
PERIOD: Final = 2000


def retype(untyped: int, kind: ObjectType, size: int, first: int, count: int) -> Step:
    """`count` objects into the root CNode from slot `first` on."""
    return invoke(untyped, Label.UNTYPED_RETYPE, kind, size, 0, 0, first, count, caps=(RootSlot.CNODE,))


def build(largest: int) -> Iterator[Step]:
    """The steps, mostly the initial thread's; `largest` is the slot of the untyped to use."""
    for slot in range(FIRST_DEVICE, LAST_DEVICE):
        if slot not in KEPT_DEVICES:
            yield invoke(RootSlot.CNODE, Label.CNODE_DELETE, slot, DEPTH)
    yield retype(largest, ObjectType.UNTYPED, 16, PIECES, 4)
    yield retype(PIECES, ObjectType.UNTYPED, 12, PAGES, PAGE_COUNT)
    yield retype(PIECES, ObjectType.TCB, 0, THREADS, THREAD_COUNT)
    yield retype(PIECES, ObjectType.SCHED_CONTEXT, 8, CONTEXTS, THREAD_COUNT)
    yield retype(PIECES, ObjectType.ENDPOINT, 0, ENDPOINTS, ENDPOINT_COUNT)
    yield retype(PIECES, ObjectType.NOTIFICATION, 0, NOTIFICATIONS, NOTIFICATION_COUNT)
    yield retype(PIECES, ObjectType.REPLY, 0, REPLIES, REPLY_COUNT)
    yield retype(PIECES, ObjectType.CNODE, CNODE_RADIX, CNODES, CNODE_COUNT)
    yield retype(PIECES + 1, ObjectType.PAGE, 0, BUFFERS, THREAD_COUNT)
    yield retype(PIECES + 1, ObjectType.PAGE, 0, FRAMES, FRAME_COUNT)
    yield retype(PIECES + 1, ObjectType.PAGE_TABLE, 0, TABLES, TABLE_COUNT)
    yield retype(PIECES, ObjectType.ENDPOINT, 0, LONE_ENDPOINTS, LONE_COUNT)
    if benchmark.MODE != benchmark.OFF:
        yield from _measuring(largest)
    yield from _capabilities()
    for number in range(THREAD_COUNT):
        yield from _thread(number)
    yield from _domains()
    for number in range(FIRST_SERVER, THREAD_COUNT):
        yield from _server(number)
    yield configure(RootSlot.SCHED_CONTEXT, PERIOD // 2, PERIOD, 0)
    for number in range(FIRST_SERVER):
        yield invoke(THREADS + number, Label.TCB_RESUME)


def _measuring(largest: int) -> Iterator[Step]:
    """The kernel measures from the beginning; if it keeps a log, then in a large page of its own."""
    if benchmark.MODE == benchmark.ENTRIES:
        yield retype(largest, ObjectType.MEGA_PAGE, 0, LOG, 1)
        yield system_call(benchmark_number(BenchmarkCall.SET_LOG_BUFFER), LOG)
    yield system_call(benchmark_number(BenchmarkCall.RESET_LOG))


def _server(number: int) -> Iterator[Step]:
    """A passive server: it runs once, at a higher priority, to wait for calls; then its time is taken away."""
    endpoint, reply = ENDPOINTS + number % ENDPOINT_COUNT, REPLIES + number - FIRST_SERVER
    authority = (RootSlot.TCB,)
    yield invoke(RootSlot.TCB, Label.TCB_SET_PRIORITY, 253, caps=authority)
    yield invoke(THREADS + number, Label.TCB_SET_PRIORITY, 254, caps=authority)
    yield invoke(THREADS + number, Label.TCB_RESUME)
    yield system_call(SystemCall.RECV, endpoint, reply=reply)  # the server's own step
    yield invoke(RootSlot.TCB, Label.TCB_SET_PRIORITY, 255, caps=authority)
    yield invoke(CONTEXTS + number, Label.SCHED_CONTEXT_UNBIND_OBJECT, caps=(THREADS + number,))


def _domains() -> Iterator[Step]:
    """Two domains that take turns; one thread lives in the second."""
    configure_schedule = Label.DOMAIN_SCHEDULE_CONFIGURE
    yield invoke(RootSlot.DOMAIN, configure_schedule, 0, 0, 10 * DOMAIN_TICKS)
    yield invoke(RootSlot.DOMAIN, configure_schedule, 1, 1, DOMAIN_TICKS)
    yield invoke(RootSlot.DOMAIN, Label.DOMAIN_SET, 1, caps=(THREADS + 1,))


def configure(
    context: int, budget: int, period: int, extra_refills: int, flags: int = 0, badge: int = 7
) -> Step:
    label = Label.SCHED_CONTROL_CONFIGURE_FLAGS
    return invoke(SCHED_CONTROL, label, budget, period, extra_refills, badge, flags, caps=(context,))


def _capabilities() -> Iterator[Step]:
    """Badged endpoint and notification capabilities, some with fewer rights; interrupt handlers; a second address space."""
    for index in range(8):
        source = (
            ENDPOINTS + index % ENDPOINT_COUNT if index < 5 else NOTIFICATIONS + index % NOTIFICATION_COUNT
        )
        words = (BADGED + index, DEPTH, source, DEPTH, ALL_RIGHTS if index % 3 else 1 + index, 1 + index // 2)
        yield invoke(RootSlot.CNODE, Label.CNODE_MINT, *words, caps=(RootSlot.CNODE,))
    for index in range(HANDLER_COUNT):
        words = (FIRST_LINE + index, HANDLERS + index, DEPTH)
        yield invoke(RootSlot.IRQ_CONTROL, Label.IRQ_ISSUE_IRQ_HANDLER, *words, caps=(RootSlot.CNODE,))
        yield invoke(HANDLERS + index, Label.IRQ_SET_IRQ_HANDLER, caps=(NOTIFICATIONS + index,))
    yield invoke(RootSlot.ASID_POOL, Label.ASID_POOL_ASSIGN, caps=(TABLES,))


def _thread(number: int) -> Iterator[Step]:
    """One thread, ready to be resumed: a fault handler, a buffer, a priority, and time."""
    thread, context = THREADS + number, CONTEXTS + number
    priority = (
        250 - number // 3 if number < FIRST_SERVER else 252
    )  # a server is the next to run when it is called
    spaces = (RootSlot.CNODE, RootSlot.VSPACE if number % 4 else TABLES)
    handler = ENDPOINTS + 1 if number % 3 else 0
    yield invoke(
        thread, Label.TCB_SET_IPC_BUFFER, BUFFER_ADDRESS + 0x400 * (number % 4), caps=(BUFFERS + number,)
    )
    yield configure(context, PERIOD // 10 * (number + 1), PERIOD, number % 4, flags=number % 2)
    caps = (RootSlot.TCB, context, handler)
    yield invoke(thread, Label.TCB_SET_SPACE, 0, 0, caps=(handler, *spaces))
    yield invoke(thread, Label.TCB_SET_SCHED_PARAMS, 255, priority, caps=caps)
    yield invoke(thread, Label.TCB_SET_TIMEOUT_ENDPOINT, caps=(ENDPOINTS + 2 if number == 3 else 0,))
    if number == 2:
        yield invoke(thread, Label.TCB_BIND_NOTIFICATION, caps=(NOTIFICATIONS,))
