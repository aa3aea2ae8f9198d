"""Faults: message layouts, handlers, replies, timeouts."""

from __future__ import annotations

import pytest

from pith.abi.errors import LookupFailureKind
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, budget, fault
from pith.kernel import thread as threads
from pith.kernel.fault_message import CONTEXT_REGISTERS, Layout, register_at, set_fault
from pith.kernel.objects import EndpointCap, FaultKind, NullCap, Register, Thread, ThreadSlot, ThreadState
from pith.kernel.riscv64.csr import Cause
from pith.kernel.state import kernel

from .conftest import World
from .running import PC, Running, full_endpoint_cap, heard, reply_cap, say

EP, REPLY = 1, 2


class Handled(Running):
    """A thread, and a handler of higher priority that waits for its faults and timeouts."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.ep, self.object = self.endpoint(), self.reply()
        self.handler = self.thread(20)
        self.give(self.handler, EP, full_endpoint_cap(self.ep))
        self.give(self.handler, REPLY, reply_cap(self.object))
        self.make_current(self.handler)
        self.faulter = self.thread(10, self.context(1000, 5000, badge=0xBAD))
        self.place(self.faulter.slots[ThreadSlot.FAULT_HANDLER], full_endpoint_cap(self.ep, 5))
        self.system_call(Call.RECV, EP, REPLY)
        assert kernel.current is self.faulter

    def words(self) -> list[int]:
        """The whole message that the handler got."""
        info = MessageInfo.from_bits(self.handler.registers[Register.A1])
        buffer = self.world.buffer(self.handler)
        return heard(self.handler)[2] + [buffer.words[index] for index in range(4, info.length)]

    def answer(self, *words: int, label: int = 0) -> Thread:
        """The handler replies, and waits for the next."""
        buffer = self.world.buffer(self.handler)
        for index, word in enumerate(words):
            if index >= 4:
                buffer.words[index] = word
        say(self.handler, *words[:4])
        self.handler.registers[Register.A1] = MessageInfo(length=len(words), label=label).bits
        return self.system_call(Call.REPLY_RECV, EP, REPLY)


@pytest.fixture
def system(world: World) -> Handled:
    return Handled(world)


# Exceptions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cause, status, is_fetch",
    [
        (Cause.LOAD_PAGE_FAULT, 5, 0),
        (Cause.LOAD_ACCESS_FAULT, 5, 0),
        (Cause.STORE_PAGE_FAULT, 7, 0),
        (Cause.STORE_ACCESS_FAULT, 7, 0),
        (Cause.INSTRUCTION_PAGE_FAULT, 1, 1),
        (Cause.INSTRUCTION_ACCESS_FAULT, 1, 1),
    ],
)
def test_a_page_fault(system: Handled, cause: Cause, status: int, is_fetch: int) -> None:
    assert system.trap(cause, 0x1234) is system.handler
    assert heard(system.handler) == (5, 6, [PC, 0x1234, is_fetch, status])
    assert system.faulter.state is ThreadState.BLOCKED_ON_REPLY
    assert system.answer(1, 2, label=3) is system.faulter  # whatever it says
    assert system.faulter.registers[Register.NEXT_PC] == PC
    assert system.faulter.fault_kind is FaultKind.NONE


def test_a_user_exception_lets_pc_and_sp_be_set(system: Handled) -> None:
    system.faulter.registers[Register.SP] = 77
    assert system.trap(3) is system.handler
    assert heard(system.handler) == (5, 3, [PC, 77, 3, 0])
    assert system.answer(0x5000, 78, 79) is system.faulter
    assert system.faulter.registers[Register.NEXT_PC] == 0x5000
    assert system.faulter.registers[Register.SP] == 78


def test_an_answer_with_a_label_leaves_the_thread_stopped(system: Handled) -> None:
    system.trap(3)
    system.world.processor.csrs["sip"] = 0
    other = system.thread(1)
    assert system.answer(0x5000, label=1) is other
    assert system.faulter.state is ThreadState.INACTIVE
    assert system.faulter.registers[Register.FAULT_PC] == 0x5000


def test_an_unknown_system_call(system: Handled) -> None:
    registers = system.faulter.registers
    names = [Register.SP, Register.RA] + [Register(Register.A0 + index) for index in range(7)]
    for index, register in enumerate(names):
        registers[register] = 100 + index
    registers[Register.A7] = 500
    assert system.trap(Cause.USER_CALL) is system.handler
    assert heard(system.handler)[:2] == (5, 2)
    assert system.words() == [PC, *range(100, 109), 500]
    assert system.answer(PC + 4, *range(200, 209)) is system.faulter
    assert registers[Register.NEXT_PC] == PC + 4
    assert [registers[register] for register in names] == list(range(200, 209))


def test_a_short_answer_sets_few_registers(system: Handled) -> None:
    system.faulter.registers[Register.A7] = 500
    system.trap(Cause.USER_CALL)
    system.faulter.registers[Register.SP] = 1
    system.answer(PC + 4)
    assert system.faulter.registers[Register.SP] == 1


# Capability faults ------------------------------------------------------------------------------------------


def test_sending_through_nothing(system: Handled) -> None:
    assert system.system_call(Call.CALL, 1 << 30) is system.handler
    assert heard(system.handler)[:2] == (5, 1)
    address, phase, kind = 1 << 30, 0, LookupFailureKind.GUARD_MISMATCH
    assert system.words() == [PC, address, phase, kind, 64, 0, 56]
    system.answer()
    assert system.faulter.registers[Register.NEXT_PC] == PC


def test_receiving_through_nothing(system: Handled) -> None:
    assert system.system_call(Call.NB_RECV, 9, REPLY) is system.handler
    assert system.words() == [PC, 9, 1, LookupFailureKind.MISSING_CAPABILITY, 0]


def test_receiving_without_the_right(system: Handled) -> None:
    system.give(system.faulter, 3, EndpointCap(True, False, True, True, system.ep, 0))
    system.system_call(Call.WAIT, 3)
    assert system.words() == [PC, 3, 1, LookupFailureKind.MISSING_CAPABILITY, 0]


def test_receiving_without_a_reply_object(system: Handled) -> None:
    system.give(system.faulter, 3, full_endpoint_cap(system.ep))
    system.system_call(Call.RECV, 3, 4)
    assert system.words() == [PC, 4, 1, LookupFailureKind.MISSING_CAPABILITY, 0]


def test_a_root_that_is_no_cnode(system: Handled) -> None:
    system.world.put(system.faulter.slots[ThreadSlot.CSPACE], NullCap())
    system.system_call(Call.SEND, 3)
    assert system.words() == [PC, 3, 0, LookupFailureKind.INVALID_ROOT]


def test_not_blocking_sends_never_fault(system: Handled) -> None:
    assert system.system_call(Call.NB_SEND, 1 << 30) is system.faulter


# Handlers ---------------------------------------------------------------------------------------------------


def test_without_a_handler_the_thread_stops(system: Handled) -> None:
    system.place(system.faulter.slots[ThreadSlot.FAULT_HANDLER], NullCap())
    other = system.thread(1)
    assert system.trap(3) is other
    assert system.faulter.state is ThreadState.INACTIVE


def test_a_handler_must_be_able_to_answer(system: Handled) -> None:
    weak = EndpointCap(True, True, False, False, system.ep, 0)
    deaf = EndpointCap(False, True, True, True, system.ep, 0)
    assert not fault.is_handler(weak) and not fault.is_handler(deaf) and not fault.is_handler(NullCap())
    assert fault.is_handler(EndpointCap(True, False, False, True, system.ep, 0))


def test_a_passive_handler_runs_on_the_time_of_the_faulter(system: Handled) -> None:
    context = system.faulter.context
    assert system.handler.context is not None
    binding.unbind(system.handler.context)
    assert system.trap(Cause.LOAD_PAGE_FAULT) is system.handler
    assert system.handler.context is context
    assert system.answer() is system.faulter
    assert system.faulter.context is context


def test_a_fault_waits_for_its_handler(system: Handled) -> None:
    threads.suspend(system.handler)
    other = system.thread(1)
    assert system.trap(Cause.LOAD_PAGE_FAULT, 1) is other
    assert system.faulter.state is ThreadState.BLOCKED_ON_SEND
    threads.restart(system.handler)
    assert system.run() is system.handler
    system.system_call(Call.RECV, EP, REPLY)
    assert heard(system.handler)[1] == 6


# Timeouts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def timed(system: Handled) -> Handled:
    system.place(system.faulter.slots[ThreadSlot.TIMEOUT_HANDLER], full_endpoint_cap(system.ep, 6))
    return system


def test_a_timeout_tells_badge_and_consumed_time(timed: Handled) -> None:
    timed.elapse(1000)
    assert timed.interrupt() is timed.handler
    assert heard(timed.handler) == (6, 5, [0xBAD, 1000])
    assert timed.faulter.state is ThreadState.BLOCKED_ON_REPLY
    assert timed.faulter.context is not None and timed.handler.context is not timed.faulter.context


def test_after_a_timeout_the_thread_waits_for_its_refill(timed: Handled) -> None:
    timed.elapse(1000)
    timed.interrupt()
    start = kernel.now
    assert timed.answer() is timed.faulter  # after a nap of the idle kernel
    assert kernel.now - start >= 3900 * 10
    assert timed.naps == 1


def test_a_timeout_reply_sets_a_whole_context(timed: Handled) -> None:
    timed.elapse(1000)
    timed.interrupt()
    timed.answer(*range(1000, 1032))
    found = [
        timed.faulter.registers[register_at(Layout.CONTEXT, index)] for index in range(CONTEXT_REGISTERS)
    ]
    assert found == list(range(1000, 1032))
    assert timed.faulter.registers[Register.NEXT_PC] == 1000


def test_round_robin_threads_do_not_time_out(system: Handled) -> None:
    thread = system.make_current(system.thread(15))
    system.place(thread.slots[ThreadSlot.TIMEOUT_HANDLER], full_endpoint_cap(system.ep, 6))
    system.elapse(5000)
    assert system.interrupt() is thread


def test_an_answer_returns_time_that_is_used_up(system: Handled) -> None:
    """A nested server gets back time without budget: it times out in turn, if it wants to know."""
    server, client = system.passive(10), system.faulter
    inner, object_ = system.endpoint(), system.reply()
    system.give(server, EP, full_endpoint_cap(inner))
    system.give(server, REPLY, reply_cap(object_))
    system.give(client, EP, full_endpoint_cap(inner))
    kernel.current = server
    system.system_call_only(Call.RECV, EP, REPLY)
    kernel.current = client
    say(client)
    assert system.system_call(Call.CALL, EP) is server
    for thread in (server, client):
        system.place(thread.slots[ThreadSlot.TIMEOUT_HANDLER], full_endpoint_cap(system.ep, 6))
    system.elapse(1000)
    assert system.interrupt() is system.handler
    second = system.reply()
    system.give(system.handler, 4, reply_cap(object_))
    system.give(system.handler, 5, reply_cap(second))
    say(system.handler, 1)
    system.system_call(Call.SEND, 4)  # in the server's name
    assert client.context is not None and client.state is ThreadState.BLOCKED_ON_SEND
    assert client.fault_kind is FaultKind.TIMEOUT
    system.system_call(Call.RECV, EP, 5)
    assert heard(system.handler)[:2] == (6, 5)
    assert second.caller is client
    say(system.handler)
    system.system_call(Call.SEND, 5)
    assert client.state is ThreadState.RESTART  # and its call is not made again: it was answered
    assert client.registers[Register.FAULT_PC] == PC + 4


def test_time_that_is_used_up_does_not_undo_an_answer_to_a_fault(timed: Handled) -> None:
    """The registers that the handler set stand, though the thread first waits for the timeout's handler."""
    timed.faulter.registers[Register.A7] = 77
    assert timed.trap(Cause.USER_CALL) is timed.handler
    context = timed.faulter.context
    assert context is not None
    budget.charge(context, context.budget)
    timed.answer(0x4444)
    assert heard(timed.handler)[:2] == (6, FaultKind.TIMEOUT)
    assert timed.faulter.registers[Register.FAULT_PC] == 0x4444


def test_a_handler_without_a_buffer_gets_what_fits_registers(system: Handled) -> None:
    system.world.put(system.handler.slots[ThreadSlot.BUFFER], NullCap())
    system.faulter.registers[Register.A7] = 77
    assert system.trap(Cause.USER_CALL) is system.handler
    info = MessageInfo.from_bits(system.handler.registers[Register.A1])
    assert (info.label, info.length) == (FaultKind.UNKNOWN_SYSCALL, 4)


def test_no_fault_makes_an_empty_message(system: Handled) -> None:
    from pith.kernel.fault_message import deliver

    set_fault(system.faulter, FaultKind.NONE)
    deliver(system.faulter, system.handler, 3)
    assert heard(system.handler) == (3, 0, [])
