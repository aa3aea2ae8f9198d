"""Invocations of threads: each operation and each error, through system calls."""

from __future__ import annotations

import pytest

from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, cspace
from pith.kernel.fault_message import Layout, register_at
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    EndpointCap,
    FrameCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    Register,
    SchedContextCap,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.state import kernel
from pith.kernel.thread_invocation import invoke_thread
from pith.metal import replace

from .conftest import World
from .invoking import FIRST, ILLEGAL, INVALID, OK, RANGE, SELF, THREAD, TRUNCATED, Invoking
from .running import full_endpoint_cap


@pytest.fixture
def system(world: World) -> Invoking:
    return Invoking(world)


# Registers --------------------------------------------------------------------------------------------------


def test_registers_are_read(system: Invoking) -> None:
    for position in range(32):
        system.target.registers[register_at(Layout.CONTEXT, position)] = 100 + position
    assert system.invoke(Label.TCB_READ_REGISTERS, 0, 32) == (0, list(range(100, 132)))
    assert system.invoke(Label.TCB_READ_REGISTERS, 0, 1) == (0, [100])


def test_the_register_order_is_the_interface_s() -> None:
    found = [register_at(Layout.CONTEXT, position) for position in range(32)]
    assert sorted(found) == [*range(31), Register.FAULT_PC]
    assert found[:4] == [Register.FAULT_PC, Register.RA, Register.SP, Register.GP]
    assert found[16] == Register.A0 and found[31] == Register.TP


def test_reading_may_suspend(system: Invoking) -> None:
    system.target.state = ThreadState.RUNNING
    system.target.registers[Register.NEXT_PC] = 0x4444
    assert system.invoke(Label.TCB_READ_REGISTERS, 1, 1) == (0, [0x4444])
    assert system.target.state is ThreadState.INACTIVE


def test_reading_into_a_buffer_that_cannot_be_written(system: Invoking) -> None:
    frame = system.caller.slots[ThreadSlot.BUFFER].cap
    assert isinstance(frame, FrameCap)
    system.world.put(system.caller.slots[ThreadSlot.BUFFER], replace(frame, can_write=False))
    system.target.registers[Register.RA] = 7
    assert system.invoke(Label.TCB_READ_REGISTERS, 0, 32) == (0, [0, 7, 0, 0])


@pytest.mark.parametrize("count", [0, 33, 1 << 40])
def test_reading_a_count_out_of_range(system: Invoking, count: int) -> None:
    assert system.invoke(Label.TCB_READ_REGISTERS, 0, count) == (RANGE, [1, 32])


def test_reading_oneself_and_too_short(system: Invoking) -> None:
    assert system.invoke(Label.TCB_READ_REGISTERS, 0, 1, on=SELF) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_READ_REGISTERS, 0) == (TRUNCATED, [])


def test_registers_are_written_and_the_thread_resumed(system: Invoking) -> None:
    binding.bind(system.context(), system.target)
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 1, 3, 0x7000, 11, 22) == OK
    registers = system.target.registers
    assert (registers[Register.FAULT_PC], registers[Register.RA], registers[Register.SP]) == (0x7000, 11, 22)
    assert registers[Register.NEXT_PC] == 0x7000
    assert system.target.state is ThreadState.RESTART


def test_writing_no_registers_may_resume(system: Invoking) -> None:
    before = list(system.target.registers)
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 0, 0) == OK
    assert system.target.state is ThreadState.INACTIVE
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 1, 0) == OK
    assert system.target.state is ThreadState.RESTART
    assert list(system.target.registers) == before


def test_writing_too_few_words_or_oneself(system: Invoking) -> None:
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 0, 3, 1, 2) == (TRUNCATED, [])
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 0) == (TRUNCATED, [])
    assert system.invoke(Label.TCB_WRITE_REGISTERS, 0, 0, on=SELF) == (ILLEGAL, [])


def test_registers_are_copied_in_two_sets(system: Invoking) -> None:
    source = system.passive(10)
    for position in range(32):
        source.registers[register_at(Layout.CONTEXT, position)] = position + 1
    assert system.invoke(Label.TCB_COPY_REGISTERS, 0b0100, caps=(ThreadCap(source),)) == OK
    assert system.target.registers[Register.NEXT_PC] == 1
    assert system.target.registers[Register.A0] == 0
    assert system.invoke(Label.TCB_COPY_REGISTERS, 0b1011, caps=(ThreadCap(source),)) == OK
    assert system.target.registers[Register.A0] == 17
    assert source.state is ThreadState.INACTIVE
    assert system.target.state is ThreadState.RESTART


def test_copying_errors(system: Invoking) -> None:
    assert system.invoke(Label.TCB_COPY_REGISTERS, 0) == (TRUNCATED, [])
    assert system.invoke(Label.TCB_COPY_REGISTERS, 0, caps=(full_endpoint_cap(system.endpoint()),)) == (
        INVALID,
        [1],
    )


# Priorities -------------------------------------------------------------------------------------------------


def test_priorities_up_to_the_authority_s(system: Invoking) -> None:
    system.caller.max_priority = 50
    authority = (ThreadCap(system.caller),)
    assert system.invoke(Label.TCB_SET_PRIORITY, 50, caps=authority) == OK
    assert system.target.priority == 50
    assert system.invoke(Label.TCB_SET_PRIORITY, 51, caps=authority) == (RANGE, [0, 50])
    assert system.invoke(Label.TCB_SET_MC_PRIORITY, 49, caps=authority) == OK
    assert system.target.max_priority == 49
    assert system.invoke(Label.TCB_SET_MC_PRIORITY, 1 << 20, caps=authority) == (RANGE, [0, 50])


@pytest.mark.parametrize("label", [Label.TCB_SET_PRIORITY, Label.TCB_SET_MC_PRIORITY])
def test_priority_errors(system: Invoking, label: Label) -> None:
    assert system.invoke(label, 1) == (TRUNCATED, [])
    assert system.invoke(label, caps=(ThreadCap(system.caller),)) == (TRUNCATED, [])
    assert system.invoke(label, 1, caps=(NullCap(),)) == (INVALID, [1])


def test_a_higher_priority_preempts_at_once(system: Invoking) -> None:
    other = system.thread(5)
    system.give(system.caller, THREAD, ThreadCap(other))
    system.caller.max_priority = 255
    system.invoke(Label.TCB_SET_PRIORITY, 101, caps=(ThreadCap(system.caller),))
    assert system.run() is other


# Scheduling parameters --------------------------------------------------------------------------------------


def sched_params(
    system: Invoking,
    *,
    mcp: int = 5,
    priority: int = 6,
    context: Cap,
    handler: Cap,
    authority: Cap | None = None,
    on: int = THREAD,
) -> tuple[int, list[int]]:
    caps = (authority or ThreadCap(system.caller), context, handler)
    return system.invoke(Label.TCB_SET_SCHED_PARAMS, mcp, priority, caps=caps, on=on)


def test_all_scheduling_parameters_at_once(system: Invoking) -> None:
    context, handler = system.context(), full_endpoint_cap(system.endpoint(), 3)
    assert sched_params(system, context=SchedContextCap(8, context), handler=handler) == OK
    assert (system.target.max_priority, system.target.priority) == (5, 6)
    assert system.target.context is context and context.thread is system.target
    assert system.target.slots[ThreadSlot.FAULT_HANDLER].cap == handler
    assert sched_params(system, context=SchedContextCap(8, context), handler=NullCap()) == OK
    assert system.target.slots[ThreadSlot.FAULT_HANDLER].cap == NullCap()
    assert sched_params(system, context=NullCap(), handler=NullCap()) == OK
    assert system.target.context is None


def test_scheduling_parameter_errors(system: Invoking) -> None:
    context = SchedContextCap(8, system.context())
    weak = EndpointCap(True, True, False, False, system.endpoint(), 0)
    system.caller.max_priority = 9
    assert sched_params(system, context=context, handler=weak) == (INVALID, [3])
    assert sched_params(system, context=weak, handler=weak) == (INVALID, [2])
    assert sched_params(system, context=context, handler=weak, authority=weak) == (INVALID, [1])
    assert sched_params(system, mcp=10, context=context, handler=weak) == (RANGE, [0, 9])
    assert sched_params(system, priority=10, context=context, handler=weak) == (RANGE, [0, 9])
    assert system.invoke(Label.TCB_SET_SCHED_PARAMS, 1, caps=(NullCap(), NullCap(), NullCap())) == (
        TRUNCATED,
        [],
    )
    assert system.invoke(Label.TCB_SET_SCHED_PARAMS, 1, 1, caps=(NullCap(), NullCap())) == (TRUNCATED, [])


def test_contexts_that_cannot_be_bound(system: Invoking) -> None:
    used = system.context()
    binding.bind(used, system.passive())
    assert sched_params(system, context=SchedContextCap(8, used), handler=NullCap()) == (ILLEGAL, [])
    binding.bind(system.context(), system.target)
    free = SchedContextCap(8, system.context())
    assert sched_params(system, context=free, handler=NullCap()) == (ILLEGAL, [])
    assert sched_params(system, context=NullCap(), handler=NullCap(), on=SELF) == (ILLEGAL, [])


# Spaces -----------------------------------------------------------------------------------------------------


def test_spaces_are_set(system: Invoking) -> None:
    cnode, vspace, handler = system.world.cnode(4), system.vspace(), full_endpoint_cap(system.endpoint(), 1)
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(handler, cnode, vspace)) == OK
    slots = system.target.slots
    assert slots[ThreadSlot.CSPACE].cap == cnode
    assert slots[ThreadSlot.VSPACE].cap == vspace
    assert slots[ThreadSlot.FAULT_HANDLER].cap == handler
    guard = 5 << 6 | 8  # guard 5 of 8 bits
    assert system.invoke(Label.TCB_SET_SPACE, guard, 0, caps=(NullCap(), cnode, vspace)) == OK
    found = slots[ThreadSlot.CSPACE].cap
    assert isinstance(found, CNodeCap) and (found.guard, found.guard_size) == (5, 8)


def test_space_errors(system: Invoking) -> None:
    cnode, vspace, ep = system.world.cnode(4), system.vspace(), full_endpoint_cap(system.endpoint())
    weak = EndpointCap(False, True, True, True, system.endpoint(), 0)
    unmapped = PageTableCap(False, False, system.world.make(PageTable), 0, 0)
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(weak, cnode, vspace)) == (INVALID, [1])
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(ep, ep, vspace)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(ep, cnode, ep)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(ep, cnode, unmapped)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SET_SPACE, 63, 0, caps=(ep, cnode, vspace)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(ep, cnode)) == (TRUNCATED, [])
    assert system.invoke(Label.TCB_SET_SPACE, 0, caps=(ep, cnode, vspace)) == (TRUNCATED, [])


def test_the_caller_s_own_spaces_are_set(system: Invoking) -> None:
    world, own = system.world, system.caller.slots[ThreadSlot.CSPACE]
    copy, space = world.slot(), world.slot(system.vspace())
    cspace.insert(own.cap, own, copy)
    slot = world.root_slot(system.caller, SELF)
    call = world.call(Label.TCB_SET_SPACE, 0, 0, slot=slot, caps=(world.slot(), copy, space))
    assert invoke_thread(ThreadCap(system.caller), call) == 0
    assert system.caller.slots[ThreadSlot.VSPACE].cap == space.cap
    assert own.cap == copy.cap


def test_configure_sets_spaces_and_buffer(system: Invoking) -> None:
    cnode, vspace, frame = system.world.cnode(4), system.vspace(), system.world.frame()
    assert system.invoke(Label.TCB_CONFIGURE, 0, 0, 0x2400, caps=(cnode, vspace, frame)) == OK
    slots = system.target.slots
    assert (slots[ThreadSlot.CSPACE].cap, slots[ThreadSlot.VSPACE].cap) == (cnode, vspace)
    assert slots[ThreadSlot.BUFFER].cap == frame and system.target.buffer_offset == 0x400
    assert system.invoke(Label.TCB_CONFIGURE, 0, 0, 0, caps=(cnode, vspace, frame)) == OK
    assert slots[ThreadSlot.BUFFER].cap == NullCap()
    assert system.invoke(Label.TCB_CONFIGURE, 0, 0, caps=(cnode, vspace, frame)) == (TRUNCATED, [])


def test_the_buffer_alone(system: Invoking) -> None:
    frame = system.world.frame()
    assert system.invoke(Label.TCB_SET_IPC_BUFFER, 0x2400, caps=(frame,)) == OK
    assert isinstance(system.target.slots[ThreadSlot.BUFFER].cap, FrameCap)
    assert system.invoke(Label.TCB_SET_IPC_BUFFER, 0x2401, caps=(frame,)) == (ErrorCode.ALIGNMENT_ERROR, [])
    device = system.world.frame(is_device=True)
    assert system.invoke(Label.TCB_SET_IPC_BUFFER, 0x2400, caps=(device,)) == (ILLEGAL, [])
    ep = full_endpoint_cap(system.endpoint())
    assert system.invoke(Label.TCB_SET_IPC_BUFFER, 0x2400, caps=(ep,)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SET_IPC_BUFFER, 0x2400) == (TRUNCATED, [])


def test_the_timeout_handler(system: Invoking) -> None:
    ep = full_endpoint_cap(system.endpoint(), 4)
    assert system.invoke(Label.TCB_SET_TIMEOUT_ENDPOINT, caps=(ep,)) == OK
    assert system.target.slots[ThreadSlot.TIMEOUT_HANDLER].cap == ep
    assert system.invoke(Label.TCB_SET_TIMEOUT_ENDPOINT, caps=(NullCap(),)) == OK
    assert system.target.slots[ThreadSlot.TIMEOUT_HANDLER].cap == NullCap()
    weak = EndpointCap(True, True, False, False, system.endpoint(), 0)
    assert system.invoke(Label.TCB_SET_TIMEOUT_ENDPOINT, caps=(weak,)) == (INVALID, [1])
    assert system.invoke(Label.TCB_SET_TIMEOUT_ENDPOINT) == (TRUNCATED, [])


# The rest ---------------------------------------------------------------------------------------------------


def test_suspend_and_resume(system: Invoking) -> None:
    binding.bind(system.context(), system.target)
    assert system.invoke(Label.TCB_RESUME) == OK
    assert system.target.state is ThreadState.RESTART
    assert system.invoke(Label.TCB_RESUME) == OK
    assert system.invoke(Label.TCB_SUSPEND) == OK
    assert system.target.state is ThreadState.INACTIVE
    assert not system.target.is_ready and kernel.next_thread is None


def test_suspending_oneself_makes_no_answer(system: Invoking) -> None:
    other = system.thread(1)
    system.invoke(Label.TCB_SUSPEND, on=SELF)
    assert system.caller.state is ThreadState.INACTIVE
    assert system.run() is other


def test_notifications_are_bound_once(system: Invoking) -> None:
    note = system.world.make(Notification)
    cap = NotificationCap(False, True, note, 0)
    assert system.invoke(Label.TCB_UNBIND_NOTIFICATION) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_BIND_NOTIFICATION) == (TRUNCATED, [])
    blind = NotificationCap(True, False, note, 0)
    assert system.invoke(Label.TCB_BIND_NOTIFICATION, caps=(blind,)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_BIND_NOTIFICATION, caps=(NullCap(),)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_BIND_NOTIFICATION, caps=(cap,)) == OK
    assert note.bound_thread is system.target
    assert system.invoke(Label.TCB_BIND_NOTIFICATION, caps=(cap,)) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_BIND_NOTIFICATION, caps=(cap,), on=SELF) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_UNBIND_NOTIFICATION) == OK
    assert note.bound_thread is None


def test_tls_base_and_flags(system: Invoking) -> None:
    assert system.invoke(Label.TCB_SET_TLS_BASE, 0x8888) == OK
    assert system.target.registers[Register.TP] == 0x8888
    assert system.invoke(Label.TCB_SET_TLS_BASE) == (TRUNCATED, [])
    assert system.invoke(Label.TCB_SET_FLAGS, 0, 0xFF) == (0, [1])
    assert system.invoke(Label.TCB_SET_FLAGS, 1, 0) == (0, [0])
    assert system.invoke(Label.TCB_SET_FLAGS, 1, 1) == (0, [1])
    assert system.invoke(Label.TCB_SET_FLAGS, 0) == (TRUNCATED, [])


def test_unknown_labels_and_nothing(system: Invoking) -> None:
    assert system.invoke(Label.CNODE_COPY) == (ILLEGAL, [])
    assert system.invoke(Label.TCB_SUSPEND, on=30) == (INVALID, [0])


def test_a_send_changes_no_registers(system: Invoking) -> None:
    system.invoke(Label.TCB_SUSPEND)
    for number in (Call.SEND, Call.NB_SEND):
        system.caller.registers[Register.A1] = MessageInfo(0, 0, 0, int(Label.CNODE_COPY)).bits
        system.caller.registers[Register.A2] = 55
        kernel.current = system.caller
        before = system.caller.registers[Register.A1]
        system.system_call_only(number, THREAD)
        assert system.caller.registers[Register.A1] == before
        assert system.caller.registers[Register.A2] == 55


def test_threads_are_not_invoked_in_a_first_phase(system: Invoking) -> None:
    system.give(system.caller, FIRST, full_endpoint_cap(system.endpoint()))
    system.caller.registers[Register.A1] = MessageInfo(0, 0, 0, int(Label.TCB_SUSPEND)).bits
    kernel.current = system.caller
    system.target.state = ThreadState.RUNNING
    system.system_call_only(Call.NB_SEND_WAIT, FIRST, reply=THREAD)
    assert system.target.state is ThreadState.RUNNING
    assert system.caller.state is ThreadState.BLOCKED_ON_RECEIVE


def test_deleting_a_thread_by_replacing_its_cspace(system: Invoking) -> None:
    """The thread's own CSpace holds its last capability: setting another one ends the thread, and installs nothing."""
    thread: Thread = system.target
    cnode, other, vspace = system.world.cnode(4), system.world.cnode(4), system.vspace()
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(NullCap(), cnode, vspace)) == OK
    assert system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=(NullCap(), other, vspace)) == OK
    assert thread.slots[ThreadSlot.CSPACE].cap == other


def test_a_root_that_ends_with_all_that_was_to_be_installed(system: Invoking) -> None:
    """The caller's only capability to its CSpace is replaced by one that was in it."""
    here = system.world.root_slot(system.caller, SELF)
    cspace.insert(here.cap, here, system.world.slot())  # the caller itself goes on
    caps = (NullCap(), system.world.cnode(4), system.vspace())
    system.invoke(Label.TCB_SET_SPACE, 0, 0, caps=caps, on=SELF)
    assert here.cap == NullCap()
    assert system.caller.slots[ThreadSlot.CSPACE].cap == NullCap()
    assert system.caller.state is ThreadState.RUNNING
