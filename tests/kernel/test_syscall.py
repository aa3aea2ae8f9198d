"""The system call layer: failures as error messages, calls that are made again, device interrupts."""

from __future__ import annotations

from typing import NoReturn

import pytest

from pith.abi.errors import ErrorCode, LookupFailureKind
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import binding, errors, interrupt, resume, syscall, timeslice
from pith.kernel.message import Invocation
from pith.kernel.objects import (
    Cap,
    EndpointCap,
    NotificationCap,
    NullCap,
    Register,
    ThreadCap,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.riscv64 import plic
from pith.kernel.riscv64.csr import SUPERVISOR_EXTERNAL
from pith.kernel.state import kernel
from pith.metal import Failure

from .conftest import World
from .invoking import THREAD, Invoking
from .running import PC


@pytest.fixture
def system(world: World) -> Invoking:
    return Invoking(world)


def failing(monkeypatch: pytest.MonkeyPatch, failure: Failure) -> None:
    def invoke(cap: Cap, call: Invocation) -> NoReturn:
        raise failure

    monkeypatch.setattr(syscall.invocation, "invoke", invoke)


GUARD, MISSING = LookupFailureKind.GUARD_MISMATCH, LookupFailureKind.MISSING_CAPABILITY


@pytest.mark.parametrize(
    "failure, code, words",
    [
        (errors.InvalidArgument(3), ErrorCode.INVALID_ARGUMENT, [3]),
        (errors.InvalidCapability(2), ErrorCode.INVALID_CAPABILITY, [2]),
        (errors.IllegalOperation(), ErrorCode.ILLEGAL_OPERATION, []),
        (errors.RangeError(1, 9), ErrorCode.RANGE_ERROR, [1, 9]),
        (errors.AlignmentError(), ErrorCode.ALIGNMENT_ERROR, []),
        (errors.FailedLookup(True, GUARD, 5, 6, 7), ErrorCode.FAILED_LOOKUP, [1, GUARD, 5, 6, 7]),
        (errors.FailedLookup(False, MISSING, 5, 0, 0), ErrorCode.FAILED_LOOKUP, [0, MISSING, 5]),
        (errors.TruncatedMessage(), ErrorCode.TRUNCATED_MESSAGE, []),
        (errors.DeleteFirst(), ErrorCode.DELETE_FIRST, []),
        (errors.RevokeFirst(), ErrorCode.REVOKE_FIRST, []),
        (errors.NotEnoughMemory(4096), ErrorCode.NOT_ENOUGH_MEMORY, [4096]),
    ],
)
def test_each_failure_is_an_error_message(
    system: Invoking, monkeypatch: pytest.MonkeyPatch, failure: Failure, code: ErrorCode, words: list[int]
) -> None:
    failing(monkeypatch, failure)
    assert system.invoke(Label.TCB_SUSPEND) == (code, words)
    assert system.caller.registers[Register.A0] == 0
    assert system.caller.state is ThreadState.RUNNING


def test_a_preempted_call_is_made_again(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errors.Preempted())
    before = system.caller.registers[Register.A1]
    kernel.current = system.caller
    for number in (Call.CALL, Call.NB_SEND_WAIT):
        system.caller.registers[Register.A1] = MessageInfo(label=int(Label.CNODE_REVOKE)).bits
        system.give(system.caller, 7, system.world.cnode(2))
        assert system.system_call(number, 7, reply=7) is system.caller
        assert system.caller.registers[Register.NEXT_PC] == PC
    assert before == 0


def test_without_a_buffer_a_message_to_the_kernel_is_four_words(system: Invoking) -> None:
    system.world.put(system.caller.slots[ThreadSlot.BUFFER], NullCap())
    registers = system.caller.registers
    registers[Register.A1] = MessageInfo(20, 1, 0, int(Label.TCB_WRITE_REGISTERS)).bits
    for index, word in enumerate((0, 18, 0x100, 0x200)):
        registers[Register.A2 + index] = word
    kernel.current = system.caller
    system.system_call_only(Call.CALL, THREAD)
    assert MessageInfo.from_bits(registers[Register.A1]).label == ErrorCode.TRUNCATED_MESSAGE
    registers[Register.A1] = MessageInfo(2, 0, 0, int(Label.TCB_READ_REGISTERS)).bits
    registers[Register.A2], registers[Register.A3] = 0, 32
    system.system_call_only(Call.CALL, THREAD)
    assert MessageInfo.from_bits(registers[Register.A1]).length == 4


@pytest.mark.parametrize("is_endpoint", [True, False])
def test_sending_without_the_right_is_an_error_to_callers_only(system: Invoking, is_endpoint: bool) -> None:
    from pith.kernel.objects import Notification

    endpoint, note = system.endpoint(), system.world.make(Notification)
    cap: Cap = (
        EndpointCap(False, True, True, True, endpoint, 0)
        if is_endpoint
        else NotificationCap(False, True, note, 0)
    )
    system.give(system.caller, 7, cap)
    assert system.invoke(0, on=7) == (ErrorCode.INVALID_CAPABILITY, [0])
    system.caller.registers[Register.A1] = 0
    system.system_call_only(Call.SEND, 7)
    assert system.caller.state is ThreadState.RUNNING


def test_a_device_interrupt_is_claimed_and_handled(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[int] = []
    monkeypatch.setattr(interrupt, "handle", handled.append)
    plic.initialise(0xFFFF_FFC0_0C00_0000, 1)
    claim = kernel.plic + plic.CLAIM + 0x1000
    processor = system.world.processor
    processor.csrs["sip"] = SUPERVISOR_EXTERNAL
    processor.devices[claim] = 10
    resume.take_interrupts()
    processor.devices[claim] = 0
    resume.take_interrupts()
    assert handled == [10]
    plic.set_enabled(33, True)
    word = kernel.plic + plic.ENABLE + 0x80 + 4
    assert processor.devices[word] == 2
    plic.set_enabled(33, False)
    assert processor.devices[word] == 0
    plic.complete(10)
    assert processor.devices[claim] == 10


def test_time_slices_without_time(system: Invoking) -> None:
    """The kernel's own entry when nobody's budget is used: nothing is charged, nothing ends."""
    assert kernel.current_context is not None
    binding.finalise(kernel.current_context)
    assert timeslice.check(system.caller)
    timeslice.give_up(system.caller)
    timeslice.end(system.caller, may_time_out=True)
    assert isinstance(system.world.root_slot(system.caller, THREAD).cap, ThreadCap)
