"""Every object ends in every state that it can be in: by itself, with the memory it was made of, and interrupted.

A scene makes one object, the victim, out of the stage's untyped memory and puts it into a state. Then its last
capability is deleted, or the memory is revoked: without interruption; interrupted at each of the preemption points and
gone on with; and interrupted there and given up, for somebody else to revoke the memory. All that must hold of the
kernel is checked after every kernel exit, and in the end the memory serves again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.messages import IPCBuffer, MessageInfo
from pith.abi.objects import ObjectType
from pith.abi.syscalls import SystemCall
from pith.kernel import binding, blocking, budget, derivation, notification, reply, scheduler
from pith.kernel.capability import has_children
from pith.kernel.cspace import insert, insert_new, move
from pith.kernel.errors import Preempted
from pith.kernel.fault_message import set_fault
from pith.kernel.objects import (
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    Endpoint,
    EndpointCap,
    FaultKind,
    FrameCap,
    FrameSize,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Register,
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
    ZombieCap,
)
from pith.kernel.riscv64 import frame, vspace
from pith.kernel.riscv64.csr import Cause
from pith.kernel.riscv64.trap import handle_trap
from pith.kernel.riscv64.window import physical_of
from pith.kernel.state import interrupts, kernel
from pith.kernel.untyped import make
from pith.metal import replace
from pith.verify.check import require_all
from tests.verify.conftest import Town

from .conftest import fresh_world

ROOT: Final = 2  # the slot of the capability to the root CNode
PC: Final = 0x1_0000
FAR: Final = 1 << 40  # ticks
ASID: Final = 3
PAGE_AT: Final = 0x20_0000


class Stage(Town):
    """A runner, and an heir in case that the runner ends; neither is made of the memory that scenes use."""

    def __init__(self) -> None:
        world = fresh_world()
        world.processor.csrs["time"] = 1000
        super().__init__(world)

    def _make_objects(self) -> None:
        self.heir = self.world.make(Thread)
        self.keep(ThreadCap(self.heir))
        self.world.put(self.heir.slots[ThreadSlot.CSPACE], NullCap())
        insert(self.root, self.world.slot_of(self.root, ROOT), self.heir.slots[ThreadSlot.CSPACE])
        for thread, priority in ((self.runner, 250), (self.heir, 240)):
            thread.priority, thread.state = priority, ThreadState.RUNNING
            context = self.world.make(SchedContext, 128)
            slot = self.keep(SchedContextCap(7, context))
            if thread is self.runner:
                self.context_slot = slot
                kernel.current_context = context
            budget.renew(context, FAR, FAR, 2)
            context.thread, thread.context = thread, context
        scheduler.enqueue_back(self.heir)

    def _make_an_address_space(self) -> None:
        pass

    def _let_them_wait(self) -> None:
        pass

    # Making -----------------------------------------------------------------------------------------------

    def endpoint(self) -> tuple[Endpoint, Slot]:
        endpoint = self.take(Endpoint)
        return endpoint, self.keep(EndpointCap(True, True, True, True, endpoint, 0), self.untyped)

    def notification(self) -> tuple[Notification, Slot]:
        note = self.take(Notification)
        return note, self.keep(NotificationCap(True, True, note, 0), self.untyped)

    def reply_object(self) -> tuple[Reply, Slot]:
        link = self.take(Reply)
        return link, self.keep(ReplyCap(True, link), self.untyped)

    def actor(self, budget_ticks: int = 0) -> tuple[Thread, Slot]:
        """A thread of its own, with time if it gets any, not yet in any queue."""
        thread = self.thread(b"actor", 50, budget_ticks)
        return thread, self.slot_with(ThreadCap(thread))

    def keep_empty(self) -> Slot:
        """The next slot of the root CNode, for somebody to put something into."""
        self.used += 1
        return self.world.slot_of(self.root, self.used)

    def slot_with(self, cap: Cap) -> Slot:
        """The slot of the root CNode that holds the capability."""
        slots = (self.world.slot_of(self.root, index) for index in range(1, self.used + 1))
        return next(slot for slot in slots if slot.cap == cap)

    def cnode(self, radix: int = 2) -> tuple[CNodeCap, Slot]:
        size = 32 << radix
        cap = self.untyped.cap
        assert isinstance(cap, UntypedCap)
        start = -(-cap.watermark // size) * size
        self.untyped.cap = replace(cap, watermark=start + size)
        made = make(ObjectType.CNODE, cap.base + start, radix, False)
        assert isinstance(made, CNodeCap)
        return made, self.keep(made, self.untyped)

    def space(self) -> tuple[PageTable, Slot]:
        """An address space whose identifier comes from a pool that is not made of the stage's memory."""
        pool = self.world.make(ASIDPool)
        self.keep(ASIDPoolCap(0, pool))
        return self.space_in(pool)

    def space_in(self, pool: ASIDPool) -> tuple[PageTable, Slot]:
        root = self.take(PageTable)
        kernel.asid_pools[0] = pool
        pool.roots[ASID] = root
        vspace.share_kernel_half(root)
        return root, self.keep(PageTableCap(True, True, root, ASID, 0), self.untyped)

    # Doing ------------------------------------------------------------------------------------------------

    def index_of(self, slot: Slot) -> int:
        return (slot.address - self.root.cnode.address) // 32

    def ask(self, label: Label, slot: Slot) -> None:
        """Whoever is current invokes the root CNode, and all that must hold holds afterwards."""
        thread = kernel.current
        assert thread is not None
        registers = thread.registers
        registers[Register.FAULT_PC] = registers[Register.NEXT_PC] = PC
        registers[Register.A7] = SystemCall.CALL % (1 << 64)
        registers[Register.A0] = ROOT
        registers[Register.A1] = MessageInfo(2, 0, 0, int(label)).bits
        registers[Register.A2], registers[Register.A3] = self.index_of(slot), 64
        handle_trap(Cause.USER_CALL)
        require_all()

    def is_done(self, label: Label, slot: Slot) -> bool:
        return slot.cap == NullCap() if label == Label.CNODE_DELETE else not has_children(slot)


Scene = Callable[[Stage], Slot]
SCENES: Final[dict[str, Scene]] = {}


def scene(function: Scene) -> Scene:
    """Let the function be a scene: it makes the victim and returns the slot of its last capability."""
    SCENES[function.__name__] = function
    return function


# Endpoints and notifications ------------------------------------------------------------------------------


@scene
def an_endpoint_where_nobody_waits(stage: Stage) -> Slot:
    return stage.endpoint()[1]


@scene
def an_endpoint_with_senders(stage: Stage) -> Slot:
    endpoint, slot = stage.endpoint()
    for badge in (1, 2):
        thread, _ = stage.actor(400)
        thread.wait_badge, thread.wait_is_call = badge, badge == 2
        blocking.wait_at_endpoint(thread, endpoint, ThreadState.BLOCKED_ON_SEND)
    return slot


@scene
def an_endpoint_with_a_faulting_thread(stage: Stage) -> Slot:
    endpoint, slot = stage.endpoint()
    thread, _ = stage.actor(400)
    set_fault(thread, FaultKind.VM, 0x1000)
    blocking.wait_at_endpoint(thread, endpoint, ThreadState.BLOCKED_ON_SEND)
    return slot


@scene
def an_endpoint_with_receivers(stage: Stage) -> Slot:
    endpoint, slot = stage.endpoint()
    link, _ = stage.reply_object()
    for brought in (None, link):
        thread, _ = stage.actor()
        if brought is not None:
            reply.offer(brought, thread)
        blocking.wait_at_endpoint(thread, endpoint, ThreadState.BLOCKED_ON_RECEIVE)
    return slot


@scene
def an_idle_notification(stage: Stage) -> Slot:
    return stage.notification()[1]


@scene
def an_active_notification(stage: Stage) -> Slot:
    note, slot = stage.notification()
    notification.signal(note, 5)
    return slot


@scene
def a_notification_with_waiters(stage: Stage) -> Slot:
    note, slot = stage.notification()
    for ticks in (400, 0):
        blocking.wait_at_notification(stage.actor(ticks)[0], note)
    return slot


@scene
def a_notification_bound_to_a_receiver(stage: Stage) -> Slot:
    note, slot = stage.notification()
    thread, _ = stage.actor()
    notification.bind(note, thread)
    blocking.wait_at_endpoint(thread, stage.endpoint()[0], ThreadState.BLOCKED_ON_RECEIVE)
    return slot


@scene
def a_notification_with_a_context_that_it_lent(stage: Stage) -> Slot:
    note, slot = stage.notification()
    thread, _ = stage.actor(400)
    assert thread.context is not None
    binding.bind_notification(thread.context, note)
    scheduler.enqueue_back(thread)
    return slot


@scene
def a_notification_of_an_interrupt(stage: Stage) -> Slot:
    _, slot = stage.notification()
    insert(IRQHandlerCap(5), stage.keep(IRQControlCap()), stage.keep_empty())
    kernel.irq_active[5] = 1
    insert(slot.cap, slot, interrupts.slots[5])
    return slot


# Replies --------------------------------------------------------------------------------------------------


@scene
def an_unused_reply(stage: Stage) -> Slot:
    return stage.reply_object()[1]


@scene
def a_reply_that_a_receiver_brought(stage: Stage) -> Slot:
    link, slot = stage.reply_object()
    thread, _ = stage.actor()
    reply.offer(link, thread)
    blocking.wait_at_endpoint(thread, stage.endpoint()[0], ThreadState.BLOCKED_ON_RECEIVE)
    return slot


def chain(stage: Stage, donating: bool = True) -> tuple[list[tuple[Thread, Slot]], list[Slot]]:
    """The first called the second, which called the third, which is ready; the replies in the same order."""
    threads = [stage.actor(400), stage.actor(0), stage.actor(0)]
    replies = []
    for (caller, _), (callee, _) in pairwise(threads):
        link, slot = stage.reply_object()
        reply.push(link, caller, callee, donating)
        replies.append(slot)
    if donating:
        scheduler.enqueue_back(threads[2][0])
    return threads, replies


@scene
def a_reply_on_top_of_its_chain(stage: Stage) -> Slot:
    return chain(stage)[1][1]


@scene
def a_reply_inside_its_chain(stage: Stage) -> Slot:
    return chain(stage)[1][0]


@scene
def a_reply_whose_caller_kept_its_time(stage: Stage) -> Slot:
    return chain(stage, donating=False)[1][0]


@scene
def a_reply_to_a_fault(stage: Stage) -> Slot:
    link, slot = stage.reply_object()
    (caller, _), (callee, _) = stage.actor(400), stage.actor()
    set_fault(caller, FaultKind.USER_EXCEPTION, 2)
    reply.push(link, caller, callee, False)
    return slot


# Threads --------------------------------------------------------------------------------------------------


@scene
def a_new_thread(stage: Stage) -> Slot:
    thread, slot = stage.actor()
    thread.state = ThreadState.INACTIVE
    return slot


@scene
def a_ready_thread(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    scheduler.enqueue_back(thread)
    return slot


@scene
def a_thread_that_is_to_make_its_call_again(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    thread.state = ThreadState.RESTART
    scheduler.enqueue_back(thread)
    return slot


@scene
def a_thread_without_budget(stage: Stage) -> Slot:
    thread, slot = stage.actor(300)
    assert thread.context is not None
    budget.first(thread.context).time = FAR
    scheduler.postpone(thread.context)
    return slot


@scene
def a_sending_thread(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    blocking.wait_at_endpoint(thread, stage.endpoint()[0], ThreadState.BLOCKED_ON_SEND)
    return slot


@scene
def a_receiving_thread(stage: Stage) -> Slot:
    thread, slot = stage.actor()
    reply.offer(stage.reply_object()[0], thread)
    blocking.wait_at_endpoint(thread, stage.endpoint()[0], ThreadState.BLOCKED_ON_RECEIVE)
    return slot


@scene
def a_waiting_thread(stage: Stage) -> Slot:
    thread, slot = stage.actor()
    blocking.wait_at_notification(thread, stage.notification()[0])
    return slot


@scene
def a_thread_with_a_bound_notification(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    notification.bind(stage.notification()[0], thread)
    scheduler.enqueue_back(thread)
    return slot


@scene
def a_first_caller(stage: Stage) -> Slot:
    return chain(stage)[0][0][1]


@scene
def a_caller_in_between(stage: Stage) -> Slot:
    return chain(stage)[0][1][1]


@scene
def a_callee_on_borrowed_time(stage: Stage) -> Slot:
    return chain(stage)[0][2][1]


@scene
def a_caller_that_kept_its_time(stage: Stage) -> Slot:
    return chain(stage, donating=False)[0][0][1]


@scene
def a_faulting_thread_that_waits_for_its_handler(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    set_fault(thread, FaultKind.UNKNOWN_SYSCALL, 99)
    blocking.wait_at_endpoint(thread, stage.endpoint()[0], ThreadState.BLOCKED_ON_SEND)
    return slot


@scene
def a_thread_that_others_yielded_to(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    assert thread.context is not None
    stage.runner.yielding_to, thread.context.yielding_from = thread.context, stage.runner
    scheduler.enqueue_back(thread)
    return slot


@scene
def a_thread_with_capabilities_of_its_own(stage: Stage) -> Slot:
    """Handlers, a CSpace of its own whose last capability is the thread's, and the last of a frame as its buffer."""
    thread, slot = stage.actor()
    thread.state = ThreadState.INACTIVE
    _, handler = stage.endpoint()
    insert(handler.cap, handler, thread.slots[ThreadSlot.FAULT_HANDLER])
    insert(handler.cap, handler, thread.slots[ThreadSlot.TIMEOUT_HANDLER])
    cnode, held = stage.cnode()
    insert(handler.cap, handler, stage.world.slot_of(cnode, 3))
    move(cnode, held, thread.slots[ThreadSlot.CSPACE])
    page = FrameCap(FrameSize.PAGE, True, True, False, physical_of(stage.take(PageTable).address), 0, 0)
    insert_new(page, stage.untyped, thread.slots[ThreadSlot.BUFFER])
    return slot


@scene
def a_thread_that_holds_the_last_capability_to_itself(stage: Stage) -> Slot:
    thread, slot = stage.actor()
    thread.state = ThreadState.INACTIVE
    cnode, held = stage.cnode()
    insert(slot.cap, slot, stage.world.slot_of(cnode, 1))
    move(cnode, held, thread.slots[ThreadSlot.CSPACE])
    stage.keep(ThreadCap(thread), slot)
    return slot


@scene
def a_thread_whose_registers_are_loaded(stage: Stage) -> Slot:
    thread, slot = stage.actor(400)
    kernel.fpu_owner, thread.float_use = thread, 1
    scheduler.enqueue_back(thread)
    return slot


# Time -----------------------------------------------------------------------------------------------------


def context_of(stage: Stage, thread: Thread) -> Slot:
    assert thread.context is not None
    return stage.slot_with(SchedContextCap(7, thread.context))


@scene
def a_context_that_nobody_has(stage: Stage) -> Slot:
    return stage.keep(SchedContextCap(7, stage.take(SchedContext, 128)), stage.untyped)


@scene
def a_context_of_a_ready_thread(stage: Stage) -> Slot:
    thread, _ = stage.actor(400)
    scheduler.enqueue_back(thread)
    return context_of(stage, thread)


@scene
def a_context_without_budget(stage: Stage) -> Slot:
    a_thread_without_budget(stage)
    waiting = kernel.next_release
    assert waiting is not None
    return context_of(stage, waiting)


@scene
def a_context_lent_along_a_chain(stage: Stage) -> Slot:
    return context_of(stage, chain(stage)[0][2][0])


@scene
def a_context_of_a_notification(stage: Stage) -> Slot:
    note, _ = stage.notification()
    context = stage.take(SchedContext, 128)
    budget.renew(context, 400, 10_000, 2)
    binding.bind_notification(context, note)
    return stage.keep(SchedContextCap(7, context), stage.untyped)


@scene
def a_context_that_somebody_yielded_to(stage: Stage) -> Slot:
    a_thread_that_others_yielded_to(stage)
    assert stage.runner.yielding_to is not None
    return stage.slot_with(SchedContextCap(7, stage.runner.yielding_to))


# Containers -----------------------------------------------------------------------------------------------


@scene
def an_empty_cnode(stage: Stage) -> Slot:
    return stage.cnode(radix=7)[1]


@scene
def a_cnode_full_of_last_capabilities(stage: Stage) -> Slot:
    cnode, slot = stage.cnode(radix=3)
    for index, make_it in enumerate(
        (an_endpoint_with_senders, a_reply_inside_its_chain, a_ready_thread, a_context_of_a_notification)
    ):
        held = make_it(stage)
        move(held.cap, held, stage.world.slot_of(cnode, 2 * index))
    return slot


@scene
def cnodes_in_a_cnode(stage: Stage) -> Slot:
    outer, slot = stage.cnode()
    _, endpoint = stage.endpoint()
    for index in range(4):
        inner, held = stage.cnode(radix=1)
        for place in range(2):
            insert(endpoint.cap, endpoint, stage.world.slot_of(inner, place))
        move(inner, held, stage.world.slot_of(outer, index))
    return slot


@scene
def a_cnode_that_holds_itself(stage: Stage) -> Slot:
    cnode, slot = stage.cnode()
    move(cnode, slot, stage.world.slot_of(cnode, 3))
    copy = stage.keep_empty()
    insert(cnode, stage.world.slot_of(cnode, 3), copy)
    return copy


@scene
def cnodes_that_hold_each_other(stage: Stage) -> Slot:
    (one, slot), (other, held) = stage.cnode(radix=1), stage.cnode(radix=1)
    insert(one, slot, stage.world.slot_of(other, 0))
    move(other, held, stage.world.slot_of(one, 1))
    return slot


@scene
def a_cnode_with_a_thread_that_lives_in_it(stage: Stage) -> Slot:
    cnode, slot = stage.cnode()
    thread, held = stage.actor()
    thread.state = ThreadState.INACTIVE
    insert(cnode, slot, thread.slots[ThreadSlot.CSPACE])
    move(held.cap, held, stage.world.slot_of(cnode, 2))
    return slot


@scene
def memory_in_memory(stage: Stage) -> Slot:
    """Deleting a capability to memory frees nothing and ends nothing; revoking its parent does."""
    base = physical_of(stage.take(PageTable).address)
    inner = stage.keep(UntypedCap(12, False, base, 16), stage.untyped)
    stage.keep(make(ObjectType.ENDPOINT, base, 0, False), inner)
    return inner


# Address spaces and interrupts ----------------------------------------------------------------------------


def mapped_page(stage: Stage) -> tuple[Slot, Slot, Slot]:
    """The slots of a root, a table of the lowest level, and a page; the table above them has one, too."""
    root, root_slot = stage.space()
    upper, lower, page = stage.take(PageTable), stage.take(PageTable), stage.take(PageTable)
    stage.keep(PageTableCap(True, False, upper, ASID, 0), stage.untyped)
    lower_slot = stage.keep(PageTableCap(True, False, lower, ASID, PAGE_AT), stage.untyped)
    root.entries[0] = vspace.table_entry(upper)
    upper.entries[1] = vspace.table_entry(lower)
    cap = FrameCap(FrameSize.PAGE, True, True, False, physical_of(page.address), ASID, PAGE_AT)
    lower.entries[0] = frame.page_entry(cap, False)
    return root_slot, lower_slot, stage.keep(cap, stage.untyped)


@scene
def a_page_that_is_not_mapped(stage: Stage) -> Slot:
    base = physical_of(stage.take(PageTable).address)
    return stage.keep(FrameCap(FrameSize.PAGE, True, True, False, base, 0, 0), stage.untyped)


@scene
def a_mapped_page(stage: Stage) -> Slot:
    return mapped_page(stage)[2]


@scene
def a_page_of_an_address_space_that_is_gone(stage: Stage) -> Slot:
    root, _, page = mapped_page(stage)
    derivation.delete(root)
    return page


@scene
def a_table_that_is_not_mapped(stage: Stage) -> Slot:
    return stage.keep(PageTableCap(False, False, stage.take(PageTable), 0, 0), stage.untyped)


@scene
def a_table_with_a_page(stage: Stage) -> Slot:
    return mapped_page(stage)[1]


@scene
def a_table_of_an_address_space_that_is_gone(stage: Stage) -> Slot:
    root, table, _ = mapped_page(stage)
    derivation.delete(root)
    return table


@scene
def a_root_that_a_thread_lives_in(stage: Stage) -> Slot:
    root, _, _ = mapped_page(stage)
    thread, _ = stage.actor(400)
    insert(root.cap, root, thread.slots[ThreadSlot.VSPACE])
    scheduler.enqueue_back(thread)
    return root


@scene
def a_root_that_the_processor_uses(stage: Stage) -> Slot:
    root, _, _ = mapped_page(stage)
    stage.world.put(stage.runner.slots[ThreadSlot.VSPACE], NullCap())
    insert(root.cap, root, stage.runner.slots[ThreadSlot.VSPACE])
    vspace.begin_epoch()
    vspace.set_address_space(stage.runner)
    return root


@scene
def a_pool_with_address_spaces(stage: Stage) -> Slot:
    pool = stage.take(ASIDPool)
    slot = stage.keep(ASIDPoolCap(0, pool), stage.untyped)
    stage.space_in(pool)
    return slot


@scene
def an_interrupt_handler(stage: Stage) -> Slot:
    """Not made of memory, but the notification that it signals is."""
    a_notification_of_an_interrupt(stage)
    return stage.slot_with(IRQHandlerCap(5))


# What happens to them -------------------------------------------------------------------------------------


class Interrupter:
    """Preemption points that count, and interrupt at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int = 0) -> None:
        self.at = at
        self.count = 0
        monkeypatch.setattr(scheduler, "preemption_point", self)

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise Preempted()


def set_up(name: str) -> tuple[Stage, Slot]:
    stage = Stage()
    victim = SCENES[name](stage)
    if name not in NEEDS_COPIES:
        assert derivation.is_final(victim) or isinstance(victim.cap, UntypedCap)
    require_all(f"after setting up {name}")
    return stage, victim


NEEDS_COPIES: Final = (
    "a_notification_of_an_interrupt",
    "a_thread_that_holds_the_last_capability_to_itself",
    "a_cnode_that_holds_itself",
    "cnodes_that_hold_each_other",
    "a_cnode_with_a_thread_that_lives_in_it",
    "a_root_that_a_thread_lives_in",
    "a_root_that_the_processor_uses",
)
WAYS: Final = (Label.CNODE_DELETE, Label.CNODE_REVOKE)


def finish(stage: Stage, label: Label, slot: Slot) -> None:
    for _ in range(200):
        if stage.is_done(label, slot):
            return
        stage.ask(label, slot)
    raise AssertionError("it does not end")


def use_again(stage: Stage) -> None:
    """Nothing of what was made is left: all memory goes to something new."""
    finish(stage, Label.CNODE_REVOKE, stage.untyped)
    cap = stage.untyped.cap
    assert isinstance(cap, UntypedCap)
    stage.untyped.cap = replace(cap, watermark=0)
    stage.take(PageTable)
    require_all()


def slot_of(stage: Stage, victim: Slot, label: Label) -> Slot:
    """What to invoke the way on, so that the victim ends."""
    return victim if label == Label.CNODE_DELETE else stage.untyped


@pytest.mark.parametrize("label", WAYS, ids=["delete", "revoke"])
@pytest.mark.parametrize("name", SCENES)
def test_an_object_ends(name: str, label: Label) -> None:
    stage, victim = set_up(name)
    stage.ask(label, slot_of(stage, victim, label))
    assert stage.is_done(label, slot_of(stage, victim, label))
    use_again(stage)


@pytest.mark.slow
@pytest.mark.parametrize("goes_on", [True, False], ids=["goes on", "given up"])
@pytest.mark.parametrize("label", WAYS, ids=["delete", "revoke"])
@pytest.mark.parametrize("name", SCENES)
def test_an_ending_is_interrupted(
    name: str, label: Label, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, at each of its preemption points."""
    at = 0
    while True:
        at += 1
        stage, victim = set_up(name)
        points = Interrupter(monkeypatch, at)
        slot = slot_of(stage, victim, label)
        stage.ask(label, slot)
        if points.count < at:
            return
        assert stage.runner.state is ThreadState.RUNNING and stage.runner.registers[Register.NEXT_PC] == PC
        if goes_on:
            finish(stage, label, slot)
        use_again(stage)


# Those who end themselves, and zombies ----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["thread", "context"])
def test_who_ends_himself(what: str) -> None:
    stage = Stage()
    slot = stage.world.slot_of(stage.root, 1) if what == "thread" else stage.context_slot
    stage.ask(Label.CNODE_DELETE, slot)
    assert kernel.current is stage.heir and slot.cap == NullCap()
    use_again(stage)


def test_who_deletes_what_he_names_slots_by() -> None:
    """The invoked CNode ends below the invocation: it goes on to its end, and the runner cannot ask again."""
    stage = Stage()
    cnode, slot = stage.cnode(radix=4)
    for index in range(16):
        _, endpoint = stage.endpoint()
        move(endpoint.cap, endpoint, stage.world.slot_of(cnode, index))
    own = stage.runner.slots[ThreadSlot.CSPACE]
    derivation.delete(own)
    insert(cnode, slot, own)
    derivation.delete(stage.world.slot_of(cnode, ROOT))
    move(cnode, slot, stage.world.slot_of(cnode, ROOT))
    own.cap = replace(cnode, bits_below=0)
    require_all()
    registers = stage.runner.registers
    registers[Register.FAULT_PC] = PC
    registers[Register.A7], registers[Register.A0] = SystemCall.CALL % (1 << 64), ROOT
    registers[Register.A1] = MessageInfo(2, 0, 0, int(Label.CNODE_DELETE)).bits
    registers[Register.A2], registers[Register.A3] = ROOT, 4
    handle_trap(Cause.USER_CALL)
    require_all()
    assert isinstance(own.cap, CNodeCap) and stage.world.slot_of(cnode, ROOT).cap == NullCap()
    derivation.revoke(stage.untyped)
    require_all()
    assert own.cap == NullCap()


@pytest.mark.parametrize("label", [Label.CNODE_COPY, Label.CNODE_MOVE])
def test_a_zombie_in_the_way(label: Label, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a given-up deletion leaves cannot be copied or invoked; it can be moved, and deleted where it is then."""
    stage, victim = set_up("a_cnode_full_of_last_capabilities")
    Interrupter(monkeypatch, 1)
    stage.ask(Label.CNODE_DELETE, victim)
    zombie = victim.cap
    assert isinstance(zombie, ZombieCap)
    target = stage.keep_empty()
    registers = stage.runner.registers
    buffer = IPCBuffer.at(stage.world.make(PageTable).address)
    base = physical_of(buffer.address)
    stage.world.put(
        stage.runner.slots[ThreadSlot.BUFFER], FrameCap(FrameSize.PAGE, True, True, False, base, 0, 0)
    )
    registers[Register.FAULT_PC], registers[Register.A0] = PC, ROOT
    registers[Register.A1] = MessageInfo(5, 1, 0, int(label)).bits
    registers[Register.A2], registers[Register.A3] = stage.index_of(target), 64
    registers[Register.A4], registers[Register.A5] = stage.index_of(victim), 64
    buffer.words[4], buffer.caps_or_badges[0] = 15, ROOT
    handle_trap(Cause.USER_CALL)
    require_all()
    if label == Label.CNODE_COPY:
        assert MessageInfo.from_bits(registers[Register.A1]).label == ErrorCode.ILLEGAL_OPERATION
        assert target.cap == NullCap() and victim.cap == zombie
    else:
        assert target.cap == zombie and victim.cap == NullCap()
        victim = target
    finish(stage, Label.CNODE_DELETE, victim)
    use_again(stage)
