"""A town: a small machine's memory in which everything is as it must be, and everything occurs.

Somebody runs, somebody is ready, and others wait: for a message, for a receiver, for an answer (having lent its
time), for a signal, for budget. All but the initial thread and its CNode was made of one untyped.
"""

from __future__ import annotations

from typing import TypeVar

import pytest

from pith.kernel import blocking, budget, cspace, reply, scheduler
from pith.kernel.objects import (
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    Endpoint,
    EndpointCap,
    FrameCap,
    FrameSize,
    Notification,
    NotificationCap,
    PageTable,
    PageTableCap,
    PageTableEntry,
    Reply,
    ReplyCap,
    SchedContext,
    SchedContextCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    UntypedCap,
)
from pith.kernel.riscv64 import vspace
from pith.kernel.riscv64.window import physical_of, window_of
from pith.kernel.state import PRIORITIES, SchedulerAction, kernel
from pith.metal import Struct, replace, size_of
from tests.kernel.conftest import World
from tests.kernel.conftest import world as bare_world  # noqa: F401  (a fixture)

S = TypeVar("S", bound=Struct)
ASID = 5
PAGE_AT = 0x20_0000


class Town:
    """The objects by the part that they play."""

    def __init__(self, world: World) -> None:
        self.world = world
        kernel.now, kernel.margin, kernel.ticks_per_second = 1000, 10, 1_000_000
        kernel.domain_end = kernel.domain_schedule[0].duration = 1 << 50
        kernel.scheduler_action, kernel.best_rank = SchedulerAction.KEEP, PRIORITIES
        self.root: CNodeCap = world.cnode(8)
        self.used = 0
        self._make_the_kernels_own()
        self.untyped = self.keep(UntypedCap(20, False, world.place(1 << 20), 0))
        self._make_objects()
        self._make_an_address_space()
        self._let_them_wait()

    # Making -----------------------------------------------------------------------------------------------

    def keep(self, cap: Cap, parent: Slot | None = None) -> Slot:
        """Put a capability into the next slot of the root CNode: a copy of its parent's, or a new one."""
        self.used += 1
        slot = self.world.slot_of(self.root, self.used)
        if parent is None:
            return self.world.put(slot, cap)
        if isinstance(parent.cap, UntypedCap):
            cspace.insert_new(cap, parent, slot)
        else:
            cspace.insert(cap, parent, slot)
        return slot

    def take(self, kind: type[S], size: int | None = None) -> S:
        """An object at the untyped's watermark, which moves behind it."""
        size = size or size_of(kind)
        cap = self.untyped.cap
        assert isinstance(cap, UntypedCap)
        start = -(-cap.watermark // size) * size
        self.untyped.cap = replace(cap, watermark=start + size)
        return kind.at(window_of(cap.base + start))

    def thread(self, name: bytes, priority: int, budget_ticks: int = 0) -> Thread:
        thread = self.take(Thread)
        thread.priority, thread.state = priority, ThreadState.RUNNING
        for index, letter in enumerate(name):
            thread.name[index] = letter
        self.keep(ThreadCap(thread), self.untyped)
        if budget_ticks:
            self.bind(thread, budget_ticks)
        return thread

    def bind(self, thread: Thread, budget_ticks: int, period: int = 10_000) -> SchedContext:
        context = self.take(SchedContext, 128)
        self.keep(SchedContextCap(7, context), self.untyped)
        budget.renew(context, budget_ticks, period, 2)
        context.thread, thread.context = thread, context
        return context

    def _make_the_kernels_own(self) -> None:
        world = self.world
        kernel.idle = idle = world.make(Thread)
        idle.state = ThreadState.IDLE
        vspace.make_kernel_root(world.make(PageTable))
        self.runner = kernel.current = world.make(Thread)
        self.runner.state, self.runner.priority = ThreadState.RUNNING, 100
        self.keep(ThreadCap(self.runner))
        world.put(self.runner.slots[ThreadSlot.CSPACE], self.root)
        kernel.root = self.root
        self.keep(self.root, self.runner.slots[ThreadSlot.CSPACE])  # as slot 2, where boot puts it

    def _make_objects(self) -> None:
        self.endpoint, self.mailbox = self.take(Endpoint), self.take(Endpoint)
        self.endpoint_slot = self.keep(EndpointCap(True, True, True, True, self.endpoint, 0), self.untyped)
        self.badged = self.keep(EndpointCap(True, False, False, False, self.endpoint, 7), self.endpoint_slot)
        self.badged_copy = self.keep(EndpointCap(True, False, False, False, self.endpoint, 7), self.badged)
        self.keep(EndpointCap(True, True, True, True, self.mailbox, 0), self.untyped)
        self.notification = self.take(Notification)
        self.notification_slot = self.keep(NotificationCap(True, True, self.notification, 0), self.untyped)
        self.reply = self.take(Reply)
        self.keep(ReplyCap(True, self.reply), self.untyped)
        context = self.bind(self.runner, 500)
        kernel.current_context = context
        self.context = context

    def _make_an_address_space(self) -> None:
        self.pool, self.space, self.table = self.take(ASIDPool), self.take(PageTable), self.take(PageTable)
        self.leaves, page = self.take(PageTable), self.take(PageTable)
        self.keep(ASIDPoolCap(0, self.pool), self.untyped)
        kernel.asid_pools[0] = self.pool
        self.pool.roots[ASID] = self.space
        vspace.share_kernel_half(self.space)
        self.space_slot = self.keep(PageTableCap(True, True, self.space, ASID, 0), self.untyped)
        self.table_slot = self.keep(PageTableCap(True, False, self.table, ASID, 0), self.untyped)
        self.keep(PageTableCap(True, False, self.leaves, ASID, PAGE_AT), self.untyped)
        base = physical_of(page.address)
        self.frame = FrameCap(FrameSize.PAGE, True, True, False, base, ASID, PAGE_AT)
        self.frame_slot = self.keep(self.frame, self.untyped)
        self.space.entries[0] = vspace.table_entry(self.table)
        self.table.entries[1] = vspace.table_entry(self.leaves)
        self.leaves.entries[0] = PageTableEntry(
            valid=1, read=1, write=1, user=1, accessed=1, dirty=1, frame=base >> 12
        )

    def _let_them_wait(self) -> None:
        self.receiver = self.thread(b"receiver", 50)
        blocking.wait_at_endpoint(self.receiver, self.endpoint, ThreadState.BLOCKED_ON_RECEIVE)
        self.sender, self.second = self.thread(b"sender", 60, 400), self.thread(b"second", 40, 400)
        for sender in (self.second, self.sender):
            blocking.wait_at_endpoint(sender, self.mailbox, ThreadState.BLOCKED_ON_SEND)
        self.waiter = self.thread(b"waiter", 30)
        blocking.wait_at_notification(self.waiter, self.notification)
        self.ready, self.sleeper = self.thread(b"ready", 20, 300), self.thread(b"sleeper", 20, 300)
        scheduler.enqueue_back(self.ready)
        self.late = self.thread(b"late", 20, 300)
        for postponed, time in ((self.late, 9000), (self.sleeper, 5000)):
            assert postponed.context is not None
            budget.first(postponed.context).time = time
            scheduler.postpone(postponed.context)
        self.caller, self.callee = self.thread(b"caller", 70, 600), self.thread(b"callee", 70)
        reply.push(self.reply, self.caller, self.callee, True)
        scheduler.enqueue_back(self.callee)


@pytest.fixture
def town(bare_world: World) -> Town:  # noqa: F811  (so are fixtures asked for)
    return Town(bare_world)
