"""The fast path leaves what the slow path leaves: every guard of it, once true and once false.

Each case makes the same system call twice from the same memory, with the fast path and without, and
compares all memory afterwards, the thread that runs next, and what the processor was told.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, blocking, budget, fastpath, notification, scheduler
from pith.kernel import thread as threads
from pith.kernel.objects import (
    ASIDPool,
    CNodeCap,
    EndpointCap,
    FaultKind,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Register,
    Reply,
    SchedContext,
    Slot,
    Thread,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.riscv64 import timer, vspace
from pith.kernel.state import kernel
from pith.metal import memory

from .conftest import World
from .running import Running, full_endpoint_cap, ready, reply_cap, say

EP, REPLY, BELL = 1, 2, 3  # slots in every CSpace here
MANY = 100  # priority above all


class Scene(Running):
    """A client, and a passive server that waits for it, each in an address space."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.bell = world.make(Notification)
        self.next_wait = EP  # where the server waits when it has answered
        kernel.has_sstc = True  # so that the deadline is in a register
        self.ep, self.link = self.endpoint(), self.reply()
        self.pool = world.make(ASIDPool)
        kernel.asid_pools[0] = self.pool
        self.asid = 0
        self.client, self.server = self.party(10, self.link), self.party(20, self.link)
        self.wait(self.server)
        binding.bind(self.context(), self.client)
        self.thread(1)  # that runs when all wait
        self.make_current(self.client)
        say(self.client, 11, 22, 33, label=5)

    def party(self, priority: int, link: Reply) -> Thread:
        """A passive thread with an address space, the endpoint and a reply object."""
        thread = self.passive(priority)
        self.give(thread, EP, full_endpoint_cap(self.ep, badge=priority))
        self.give(thread, REPLY, reply_cap(link))
        self.asid += 1
        root = self.world.make(PageTable)
        self.pool.roots[self.asid] = root
        self.world.put(thread.slots[ThreadSlot.VSPACE], PageTableCap(True, True, root, self.asid, 0))
        vspace.set_address_space(thread)
        return thread

    def wait(self, thread: Thread) -> None:
        """Let the thread receive at the endpoint."""
        kernel.current = thread
        self.system_call_only(Call.RECV, EP, REPLY)

    def call(self) -> Thread:
        return self.system_call(Call.CALL, EP)

    def answer(self) -> Thread:
        return self.system_call(Call.REPLY_RECV, self.next_wait, REPLY)

    def rights(self, thread: Thread, **changes: bool) -> None:
        rights = {"can_send": True, "can_receive": True, "can_grant": True, "can_grant_reply": True} | changes
        self.give(thread, EP, EndpointCap(**rights, endpoint=self.ep, badge=7))

    def length(self, thread: Thread, length: int) -> None:
        """A message of that length, with something in the buffer."""
        for index in range(116):
            self.world.buffer(thread).words[4 + index] = 1000 + index
        thread.registers[Register.A1] = MessageInfo(length=length, label=9).bits

    def deepen(self, thread: Thread) -> None:
        """Put a second CNode before the first: addresses take two steps."""
        inner = thread.slots[ThreadSlot.CSPACE].cap
        assert isinstance(inner, CNodeCap)
        upper = self.world.make(Slot, 64)
        upper.cap = CNodeCap(1, inner.radix, inner.cnode, 0)
        self.world.put(thread.slots[ThreadSlot.CSPACE], CNodeCap(63, 1, upper, 0))

    def fault(self, kind: FaultKind) -> None:
        """The client's call is a fault."""
        self.client.fault_kind = kind
        self.client.registers[Register.FAULT_PC] = 0x2000

    def bind_signalled(self, is_active: bool) -> None:
        """Bind a notification to the server."""
        bound = self.world.make(Notification)
        notification.bind(bound, self.server)
        if is_active:
            notification.signal(bound, 4)

    def own_time(
        self, thread: Thread, amount: int = 5000, period: int | None = None, sporadic: bool = False
    ) -> None:
        """A scheduling context of its own for the thread."""
        context = self.context(amount, period, sporadic=sporadic)
        if thread.context is not None:
            thread.context.thread = None
        context.thread, thread.context = thread, context

    def limit(self, thread: Thread) -> None:
        """The thread may use half of the time only."""
        context = thread.context
        assert context is not None
        ticks = timer.to_ticks(5000)
        budget.renew(context, ticks, 2 * ticks, 4)

    def spend(self, microseconds: int) -> None:
        """Time passes, which the kernel has yet to notice."""
        self.world.processor.csrs["time"] += timer.to_ticks(microseconds)

    def use_up(self, thread: Thread) -> None:
        """The thread's first refill is in the future."""
        assert thread.context is not None
        budget.charge(thread.context, thread.context.budget)

    def empty(self, thread: Thread) -> None:
        assert thread.context is not None
        thread.context.refill_max = 0

    def lend_to_bound(self) -> None:
        """Time for whom the server's bound notification wakes: the server has it now."""
        bound, context = self.server.bound_notification, self.server.context
        assert bound is not None and context is not None
        binding.bind_notification(context, bound)

    def listen(self, thread: Thread) -> None:
        """Let the thread wait for the notification, with time of its own; the client can signal it."""
        blocking.cancel(thread)
        self.own_time(thread)
        for party in (self.client, thread):
            self.give(party, BELL, NotificationCap(True, True, self.bell, 3))
        blocking.wait_at_notification(thread, self.bell)

    def wait_too(self, priority: int) -> None:
        """A second thread waits for the notification."""
        second = self.party(priority, self.reply())
        self.listen(second)

    def compete(self, priority: int) -> None:
        """Another thread is ready; that a higher one is, the scheduler has yet to notice."""
        other = self.passive(priority)
        self.own_time(other)
        scheduler.enqueue_front(other)

    def lose_space(self, thread: Thread) -> None:
        """The thread's address space ends."""
        slot = thread.slots[ThreadSlot.VSPACE]
        assert isinstance(slot.cap, PageTableCap)
        vspace.release(slot.cap.asid, slot.cap.table)
        self.world.put(slot, NullCap())

    def leave(self) -> None:
        """The server waits no longer."""
        blocking.cancel(self.server)

    def rank(self, thread: Thread, priority: int) -> None:
        threads.set_priority(thread, priority)

    def context_of(self, thread: Thread) -> SchedContext:
        assert thread.context is not None
        return thread.context

    def yield_to(self, context: SchedContext) -> None:
        """The client yielded to the context, and has no answer yet."""
        context.yielding_from, self.client.yielding_to = self.client, context

    def signal(self) -> Thread:
        return self.system_call(Call.SEND, BELL)

    def postpone(self) -> None:
        """A third thread waits for a refill that comes in 1000 µs."""
        context = self.context(100, 1000)
        budget.charge(context, context.budget)
        assert self.thread(5, context).is_postponed
        scheduler.schedule()

    def postpone_all(self) -> None:
        """Nobody is ready, until a refill comes."""
        for thread in [thread for priority in (10, 1) for thread in ready(priority)]:
            threads.suspend(thread)
        self.postpone()

    def nearly_use_up(self, thread: Thread) -> None:
        """Little is left of the thread's slice, less than of any other's."""
        assert thread.context is not None
        budget.charge(thread.context, timer.to_ticks(4900))

    def in_domain(self, thread: Thread, domain: int) -> None:
        thread.domain = domain

    def load_float(self, thread: Thread) -> None:
        """The thread uses floating point, and the processor has its registers."""
        thread.float_use, kernel.fpu_owner = 1, thread

    def below(self) -> None:
        """The client's time was lent to it along another call."""
        link, context, caller = self.reply(), self.client.context, self.passive()
        assert context is not None
        link.caller, link.context, context.reply = caller, context, link
        caller.state, caller.wait_reply = ThreadState.BLOCKED_ON_REPLY, link


Change = Callable[[Scene], object]

CALLS: list[tuple[str, bool, Change]] = [
    ("as usual", True, lambda s: None),
    ("no words", True, lambda s: say(s.client)),
    ("all registers", True, lambda s: say(s.client, 1, 2, 3, 4)),
    ("a buffer's word", True, lambda s: s.length(s.client, 5)),
    ("all the buffer", True, lambda s: s.length(s.client, 120)),
    ("longer than can be", True, lambda s: s.length(s.client, 127)),
    ("no source buffer", True, lambda s: (s.length(s.client, 9), s.world.put(s.client.slots[2], NullCap()))),
    ("no target buffer", True, lambda s: (s.length(s.client, 9), s.world.put(s.server.slots[2], NullCap()))),
    ("only the right to be answered", True, lambda s: s.rights(s.client, can_grant=False)),
    ("only the right to grant", True, lambda s: s.rights(s.client, can_grant_reply=False)),
    ("the time is lent already", True, lambda s: s.below()),
    ("a second server waits", True, lambda s: (s.wait(s.party(15, s.reply())), s.make_current(s.client))),
    ("an equal is ready", True, lambda s: s.compete(20)),
    ("the server owns the floating point unit", True, lambda s: s.load_float(s.server)),
    ("both use floating point", True, lambda s: (s.load_float(s.client), setattr(kernel, "fpu_status", 0), setattr(s.server, "float_use", 2))),
    ("capabilities", False, lambda s: say(s.client, 1, caps=1)),
    ("no right to send", False, lambda s: s.rights(s.client, can_send=False)),
    ("no right to an answer", False, lambda s: s.rights(s.client, can_grant=False, can_grant_reply=False)),
    ("no capability", False, lambda s: s.give(s.client, EP, NullCap())),
    ("a notification", False, lambda s: s.give(s.client, EP, NotificationCap(True, True, s.world.make(Notification), 1))),
    ("no CSpace", False, lambda s: s.world.put(s.client.slots[ThreadSlot.CSPACE], NullCap())),
    ("a deep CSpace", False, lambda s: s.deepen(s.client)),
    ("nobody waits", False, lambda s: s.give(s.client, EP, full_endpoint_cap(s.endpoint()))),
    ("the server brought no reply object", False, lambda s: (setattr(s.server, "wait_reply", None), setattr(s.link, "caller", None))),
    ("the server has time", True, lambda s: s.own_time(s.server)),
    ("the server has sporadic time", True, lambda s: s.own_time(s.server, 2000, 9000, True)),
    ("the server has less time than is left", True, lambda s: s.own_time(s.server, 100, 9000)),
    ("the client has used some time", True, lambda s: (s.own_time(s.server), s.spend(50))),
    ("the client has used some of a part", True, lambda s: (s.own_time(s.server), s.limit(s.client), s.spend(50))),
    ("the client has no time left", False, lambda s: (s.own_time(s.server), s.spend(4995))),
    ("the server's time is used up", False, lambda s: (s.own_time(s.server, 100, 9000), s.use_up(s.server))),
    ("the server's context was never configured", False, lambda s: (s.own_time(s.server), s.empty(s.server))),
    ("a higher one is ready", False, lambda s: s.compete(MANY)),
    ("another domain", False, lambda s: s.in_domain(s.server, 1)),
    ("no address space", False, lambda s: s.lose_space(s.server)),
    ("a new epoch", False, lambda s: vspace.begin_epoch()),
]  # fmt: skip

ANSWERS: list[tuple[str, bool, Change]] = [
    ("as usual", True, lambda s: None),
    ("all registers", True, lambda s: say(s.server, 1, 2, 3, 4)),
    ("all the buffer", True, lambda s: s.length(s.server, 120)),
    ("an idle notification is bound", True, lambda s: s.bind_signalled(False)),
    ("an equal is ready", True, lambda s: s.compete(10)),
    ("capabilities", False, lambda s: say(s.server, 1, caps=1)),
    ("a signal is there", False, lambda s: s.bind_signalled(True)),
    ("no reply capability", False, lambda s: s.give(s.server, REPLY, NullCap())),
    ("nobody waits for it", False, lambda s: s.give(s.server, REPLY, reply_cap(s.reply()))),
    ("an answer to a fault", False, lambda s: s.fault(FaultKind.USER_EXCEPTION)),
    ("an answer to a page fault", True, lambda s: s.fault(FaultKind.VM)),
    ("the time was not lent", False, lambda s: s.own_time(s.client)),
    ("no right to receive", False, lambda s: s.rights(s.server, can_receive=False)),
    ("no endpoint", False, lambda s: s.give(s.server, EP, NullCap())),
    ("a message is there", False, lambda s: send_from_another(s)),
    ("a higher one is ready", False, lambda s: s.compete(MANY)),
    ("a deep CSpace", False, lambda s: s.deepen(s.server)),
    ("the next wait is at no slot", False, lambda s: setattr(s, "next_wait", 1 << 40)),
    ("another domain", False, lambda s: s.in_domain(s.client, 1)),
    ("a new epoch", False, lambda s: vspace.begin_epoch()),
]


SIGNALS: list[tuple[str, bool, Change]] = [
    ("as usual", True, lambda s: None),
    ("a second thread waits", True, lambda s: s.wait_too(150)),
    ("the sender has used some time", True, lambda s: s.spend(50)),
    ("the sender has used some of a part", True, lambda s: (s.limit(s.client), s.spend(50))),
    ("the waiter's time is sporadic", True, lambda s: s.own_time(s.server, 2000, 9000, True)),
    ("the waiter has less time than is left", True, lambda s: s.own_time(s.server, 100, 9000)),
    ("an equal of the waiter is ready", True, lambda s: s.compete(20)),
    ("the waiter is an equal", True, lambda s: s.rank(s.server, 10)),
    ("the waiter is an equal, and another is ready", True, lambda s: (s.rank(s.server, 10), s.thread(10), s.run())),
    ("an equal with sporadic time", True, lambda s: (s.rank(s.server, 10), s.own_time(s.server, 2000, 9000, True))),
    ("the waiter has a lower priority", True, lambda s: s.rank(s.server, 5)),
    ("nobody waits", True, lambda s: s.leave()),
    ("a signal is there", True, lambda s: (s.leave(), notification.signal(s.bell, 8))),
    ("a thread is bound that does something else", True, lambda s: (s.leave(), notification.bind(s.bell, s.client))),
    ("a bound thread waits for messages", False, lambda s: (s.leave(), notification.bind(s.bell, s.server), s.wait(s.server), s.make_current(s.client))),
    ("capabilities", False, lambda s: say(s.client, 1, caps=1)),
    ("no right to send", False, lambda s: s.give(s.client, BELL, NotificationCap(False, True, s.bell, 3))),
    ("no capability", False, lambda s: s.give(s.client, BELL, NullCap())),
    ("a deep CSpace", False, lambda s: s.deepen(s.client)),
    ("the waiter has no time", False, lambda s: binding.unbind(s.context_of(s.server))),
    ("its time is used up", False, lambda s: (s.limit(s.server), s.use_up(s.server))),
    ("the time of an equal is used up", False, lambda s: (s.rank(s.server, 10), s.limit(s.server), s.use_up(s.server))),
    ("a higher one is ready", False, lambda s: s.compete(MANY)),
    ("another domain", False, lambda s: s.in_domain(s.server, 1)),
    ("an equal in another domain", False, lambda s: (s.rank(s.server, 10), s.in_domain(s.server, 1))),
    ("an equal, but a higher one is ready", False, lambda s: (s.rank(s.server, 10), s.compete(MANY))),
    ("a new epoch", False, lambda s: vspace.begin_epoch()),
    ("the sender has no time left", False, lambda s: s.spend(4995)),
    ("a refill comes, and an equal waits", False, lambda s: (s.rank(s.server, 10), s.postpone(), s.spend(985))),
]  # fmt: skip

WAITS: list[tuple[str, bool, Change]] = [
    ("as usual", True, lambda s: None),
    ("others are ready", True, lambda s: (s.thread(9), s.thread(8), s.run())),
    ("some time is used", True, lambda s: s.spend(50)),
    ("the other's time is sporadic", True, lambda s: s.own_time(s.client, 2000, 9000, True)),
    ("the other has less time than is left", True, lambda s: s.own_time(s.client, 100, 9000)),
    ("a signal is there", False, lambda s: notification.signal(s.bell, 8)),
    ("another waits", False, lambda s: (s.wait_too(150), s.make_current(s.server))),
    ("it is bound", False, lambda s: notification.bind(s.bell, s.server)),
    ("it lends time", False, lambda s: binding.bind_notification(s.context(), s.bell)),
    ("no right to receive", False, lambda s: s.give(s.server, BELL, NotificationCap(True, False, s.bell, 3))),
    ("no capability", False, lambda s: s.give(s.server, BELL, NullCap())),
    ("a deep CSpace", False, lambda s: s.deepen(s.server)),
    ("nobody is ready", False, lambda s: s.postpone_all()),
    ("the other begins again", False, lambda s: setattr(s.client, "state", ThreadState.RESTART)),
    ("the other yielded", False, lambda s: s.yield_to(s.context_of(s.server))),
    ("a new epoch", False, lambda s: vspace.begin_epoch()),
    ("no time is left", False, lambda s: s.spend(4995)),
]  # fmt: skip

ACTIVE_ANSWERS: list[tuple[str, bool, Change]] = [
    ("as usual", True, lambda s: None),
    ("it has used some time", True, lambda s: s.spend(50)),
    ("to a page fault", True, lambda s: s.fault(FaultKind.VM)),
    ("the client's slice is nearly used", True, lambda s: s.nearly_use_up(s.client)),
    ("an idle notification is bound", True, lambda s: s.bind_signalled(False)),
    ("all the buffer", True, lambda s: s.length(s.server, 120)),
    ("a notification with time is bound", False, lambda s: (s.bind_signalled(False), s.lend_to_bound())),
    ("it has no time left", False, lambda s: s.spend(4995)),
    ("the client's time is used up", False, lambda s: (s.limit(s.client), s.use_up(s.client))),
    ("the client's time is gone", False, lambda s: binding.unbind(s.client.context)),
    ("the object is left from a chain above", False, lambda s: setattr(s.link, "next", s.reply())),
    ("the object is left from a chain below", False, lambda s: setattr(s.link, "previous", s.reply())),
    ("a refill will come", True, lambda s: (s.postpone(), s.spend(800))),
    ("a refill comes", False, lambda s: (s.postpone(), s.spend(985))),
]


def send_from_another(scene: Scene) -> None:
    """A third thread waits at the endpoint to send."""
    kernel.current = scene.party(5, scene.reply())
    scene.system_call_only(Call.SEND, EP)
    kernel.current = scene.server


def outcome(scene: Scene, act: Callable[[], Thread]) -> tuple[bytes, int, dict[str, int]]:
    """All memory after the system call, who runs next, and the processor's registers.

    Whoever runs next finds no reservation of another's.
    """
    processor, before = scene.world.processor, kernel.current
    processor.csrs.update(satp=0, sstatus=0)
    processor.reservations_ended = 0
    following = act()
    assert processor.reservations_ended == (following is not before)
    return bytes(memory.view_u8), following.address, dict(scene.world.processor.csrs)


def compare(scene: Scene, act: Callable[[], Thread], is_fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do it both ways."""
    before, csrs = bytes(memory.view_u8), dict(scene.world.processor.csrs)
    taken: list[bool] = []

    def watched(thread: Thread, take: Callable[[Thread], Thread | None] = fastpath.take) -> Thread | None:
        following = take(thread)
        taken.append(following is not None)
        return following

    monkeypatch.setattr(fastpath, "take", watched)
    fast = outcome(scene, act)
    memory.view_u8[:] = before
    scene.world.processor.csrs.update(csrs)
    monkeypatch.setattr(fastpath, "take", lambda thread: None)
    slow = outcome(scene, act)
    assert taken == [is_fast]
    assert fast[1:] == slow[1:]
    assert fast[0] == slow[0]


@pytest.mark.parametrize(("is_fast", "change"), [case[1:] for case in CALLS], ids=[case[0] for case in CALLS])
def test_a_call(world: World, is_fast: bool, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(world)
    change(scene)
    compare(scene, scene.call, is_fast, monkeypatch)


@pytest.mark.parametrize(
    ("is_fast", "change"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_an_answer(world: World, is_fast: bool, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(world)
    assert scene.call() is scene.server
    say(scene.server, 7, 8, label=1)
    change(scene)
    compare(scene, scene.answer, is_fast, monkeypatch)


@pytest.mark.parametrize(
    ("is_fast", "change"), [case[1:] for case in ACTIVE_ANSWERS], ids=[case[0] for case in ACTIVE_ANSWERS]
)
def test_an_answer_of_a_server_with_time(
    world: World, is_fast: bool, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(world)
    scene.own_time(scene.server)
    assert scene.call() is scene.server
    say(scene.server, 7, 8, label=1)
    change(scene)
    compare(scene, scene.answer, is_fast, monkeypatch)


@pytest.mark.parametrize(
    ("is_fast", "change"), [case[1:] for case in SIGNALS], ids=[case[0] for case in SIGNALS]
)
def test_a_signal(world: World, is_fast: bool, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(world)
    scene.listen(scene.server)
    change(scene)
    compare(scene, scene.signal, is_fast, monkeypatch)


@pytest.mark.parametrize(("is_fast", "change"), [case[1:] for case in WAITS], ids=[case[0] for case in WAITS])
def test_a_wait(world: World, is_fast: bool, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(world)
    scene.listen(scene.server)
    assert scene.signal() is scene.server
    change(scene)
    compare(scene, lambda: scene.system_call(Call.WAIT, BELL), is_fast, monkeypatch)


def test_an_answer_from_the_middle_of_a_chain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(world)
    scene.below()
    assert scene.call() is scene.server
    compare(scene, scene.answer, True, monkeypatch)
