"""Invocations of scheduling contexts: bound and unbound, consumed, yielded to."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.kernel import binding, budget, reply
from pith.kernel.objects import (
    Notification,
    NotificationCap,
    NullCap,
    Register,
    SchedContextCap,
    Thread,
    ThreadCap,
    ThreadState,
)
from pith.kernel.riscv64 import timer
from pith.kernel.riscv64.csr import SUPERVISOR_TIMER
from pith.kernel.state import kernel

from .conftest import World
from .invoking import ILLEGAL, INVALID, OK, TRUNCATED
from .running import heard, ready
from .timing import CONTEXT, Timing


@pytest.fixture
def system(world: World) -> Timing:
    return Timing(world)


def thread_cap(thread: Thread) -> ThreadCap:
    return ThreadCap(thread)


# Bind and unbind --------------------------------------------------------------------------------------------


def test_binding_a_thread(system: Timing) -> None:
    system.configure(100, 1000)
    thread = system.passive(200)
    assert system.on_context(Label.SCHED_CONTEXT_BIND, thread_cap(thread)) == OK
    assert thread.context is system.object
    assert system.run() is thread
    assert system.on_context(Label.SCHED_CONTEXT_BIND, thread_cap(thread)) == (ILLEGAL, [])


def test_bind_errors(system: Timing) -> None:
    assert system.on_context(Label.SCHED_CONTEXT_BIND) == (TRUNCATED, [])
    assert system.on_context(Label.SCHED_CONTEXT_BIND, NullCap()) == (INVALID, [1])
    assert system.on_context(Label.SCHED_CONTEXT_BIND, thread_cap(system.caller)) == (ILLEGAL, [])
    blocked = system.passive(10, ThreadState.BLOCKED_ON_REPLY)
    assert system.on_context(Label.SCHED_CONTEXT_BIND, thread_cap(blocked)) == (ILLEGAL, [])
    system.configure(100, 1000)
    assert system.on_context(Label.SCHED_CONTEXT_BIND, thread_cap(blocked)) == OK


def test_binding_a_notification(system: Timing) -> None:
    note = NotificationCap(True, True, system.world.make(Notification), 0)
    assert system.on_context(Label.SCHED_CONTEXT_BIND, note) == OK
    assert system.object.notification is note.notification
    assert system.on_context(Label.SCHED_CONTEXT_BIND, note) == (ILLEGAL, [])
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, note) == OK
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, note) == (ILLEGAL, [])


def test_unbinding_a_thread(system: Timing) -> None:
    system.configure(100, 1000)
    thread = system.passive(200)
    binding.bind(system.object, thread)
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, thread_cap(thread)) == OK
    assert thread.context is None and system.run() is system.caller
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, thread_cap(thread)) == (ILLEGAL, [])
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, NullCap()) == (INVALID, [1])
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT) == (TRUNCATED, [])


class Chain(Timing):
    """Of the context: its first thread called a second one, and that one a third, which has it now."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.configure(100, 1000)
        self.threads = [self.passive(50) for _ in range(3)]
        self.links = [self.reply(), self.reply()]
        binding.bind(self.object, self.threads[0])
        for index, link in enumerate(self.links):
            reply.push(link, self.threads[index], self.threads[index + 1], can_donate=True)
        assert self.object.thread is self.threads[2]

    def unbind(self) -> tuple[int, list[int]]:
        return self.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, thread_cap(self.threads[2]))


@pytest.fixture
def chain(world: World) -> Chain:
    return Chain(world)


def test_lent_time_that_is_unbound_returns_to_whose_it_was(chain: Chain) -> None:
    """Manual, `SchedContext_UnbindObject`: to the thread that it was originally bound to."""
    first, second, third = chain.threads
    assert chain.unbind() == OK
    assert chain.object.thread is first and first.context is chain.object
    assert second.context is None and third.context is None
    assert chain.object.reply is None
    for link, caller in zip(chain.links, chain.threads, strict=False):  # who waits goes on waiting
        assert link.caller is caller and caller.state is ThreadState.BLOCKED_ON_REPLY
        assert link.context is None and link.previous is None and link.next is None
    reply.pop(chain.links[1])
    assert second.context is None
    reply.pop(chain.links[0])
    assert first.context is chain.object


def test_whose_it_was_may_have_other_time_by_now(chain: Chain) -> None:
    other = chain.context()
    binding.bind(other, chain.threads[0])
    assert chain.unbind() == OK
    assert chain.object.thread is None and chain.threads[0].context is other


def test_a_long_chain_is_left_in_steps(chain: Chain) -> None:
    chain.world.processor.csrs["sip"] = SUPERVISOR_TIMER
    chain.unbind()
    assert chain.caller.state is ThreadState.RESTART
    assert chain.object.reply is chain.links[0] and chain.object.thread is chain.threads[2]
    assert chain.links[0].context is chain.object and chain.links[0].next is None
    chain.world.processor.csrs["sip"] = 0
    assert chain.unbind() == OK
    assert chain.object.thread is chain.threads[0]


def test_time_that_a_notification_lent_is_its_again(system: Timing) -> None:
    note, thread = system.world.make(Notification), system.passive(50)
    binding.bind_notification(system.object, note)
    binding.lend(note, thread)
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, thread_cap(thread)) == OK
    assert thread.context is None and note.context is system.object


def test_unbinding_all(system: Timing) -> None:
    note, thread = system.world.make(Notification), system.passive()
    binding.bind(system.object, thread)
    binding.bind_notification(system.object, note)
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND) == OK
    assert system.object.thread is None and system.object.notification is None
    assert thread.context is None and note.context is None


def test_nobody_takes_his_own_time_away(system: Timing) -> None:
    own = system.caller.context
    assert own is not None
    system.give(system.caller, CONTEXT, SchedContextCap(8, own))
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND) == (ILLEGAL, [])
    assert system.on_context(Label.SCHED_CONTEXT_UNBIND_OBJECT, thread_cap(system.caller)) == (ILLEGAL, [])
    assert system.on_context(Label.SCHED_CONTEXT_YIELD_TO) == (ILLEGAL, [])


# Consumed and yield-to --------------------------------------------------------------------------------------


def test_consumed_time_is_told_and_forgotten(system: Timing) -> None:
    system.configure(100, 1000)
    budget.charge(system.object, timer.to_ticks(30))
    assert system.on_context(Label.SCHED_CONTEXT_CONSUMED) == (0, [30])
    assert system.on_context(Label.SCHED_CONTEXT_CONSUMED) == (0, [0])
    assert system.on_context(Label.TCB_SUSPEND) == (ILLEGAL, [])


def yield_to(system: Timing, thread: Thread) -> tuple[int, list[int]]:
    system.configure(100, 100)
    binding.bind(system.object, thread)
    return system.on_context(Label.SCHED_CONTEXT_YIELD_TO)


def test_yielding_to_an_equal_runs_it_and_tells_its_time_later(system: Timing) -> None:
    waiting, thread = system.thread(100), system.passive(100)
    yield_to(system, thread)
    assert system.run() is thread
    assert ready(100) == [system.caller, waiting]
    system.elapse(100)
    assert system.interrupt() is system.caller
    assert heard(system.caller) == (0, 0, [100])
    assert system.caller.yielding_to is None and system.object.yielding_from is None


def test_who_wants_no_answer_yields_all_the_same(system: Timing) -> None:
    waiting, thread = system.thread(100), system.passive(100)
    system.configure(100, 100)
    binding.bind(system.object, thread)
    system.caller.registers[Register.A1] = MessageInfo(label=Label.SCHED_CONTEXT_YIELD_TO).bits
    assert system.system_call(SystemCall.SEND, CONTEXT) is thread
    assert ready(100) == [system.caller, waiting]
    assert system.caller.yielding_to is None


def test_yielding_to_a_lower_thread_returns_at_once(system: Timing) -> None:
    waiting, thread = system.thread(50), system.passive(50)
    assert yield_to(system, thread) == (0, [0])
    assert system.run() is system.caller
    assert ready(50) == [thread, waiting]


def test_yielding_to_who_cannot_run_returns_at_once(system: Timing) -> None:
    assert yield_to(system, system.passive(100, ThreadState.INACTIVE)) == (0, [0])
    assert system.run() is system.caller


def test_yield_to_errors(system: Timing) -> None:
    assert system.on_context(Label.SCHED_CONTEXT_YIELD_TO) == (ILLEGAL, [])
    system.caller.max_priority = 99
    assert yield_to(system, system.passive(100)) == (ILLEGAL, [])


def test_the_end_of_who_was_yielded_to(system: Timing) -> None:
    thread = system.passive(100)
    yield_to(system, thread)
    system.run()
    system.elapse(40)
    binding.finalise(system.object)
    assert system.caller.yielding_to is None
    assert heard(system.caller) == (0, 0, [40])
    assert system.run() is system.caller


def test_a_second_yield_ends_the_first(system: Timing) -> None:
    thread, second = system.passive(100), system.thread(100)
    yield_to(system, thread)
    system.give(second, 6, SchedContextCap(8, system.object))
    first, system.caller = system.caller, second
    system.on_context(Label.SCHED_CONTEXT_YIELD_TO)
    assert first.yielding_to is None
    assert system.object.yielding_from is second


def test_yield_gives_the_slice_away(system: Timing) -> None:
    other = system.thread(100)
    kernel.current = system.caller
    assert system.system_call(SystemCall.YIELD) is other
