"""Floating point: who has the registers, what is moved when, and who is denied them."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.abi.syscalls import SystemCall as Call
from pith.kernel import derivation, resume
from pith.kernel import thread as threads
from pith.kernel.objects import FaultKind, Register, Thread, ThreadCap
from pith.kernel.riscv64 import fpu
from pith.kernel.riscv64.csr import SSTATUS_FS, SSTATUS_FS_DIRTY, Cause
from pith.kernel.state import kernel

from .conftest import World
from .running import PC, full_endpoint_cap, heard, say
from .test_faults import EP, Handled


class Floating(Handled):
    """The faulter and others take turns."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.processor = world.processor

    def switch(self, thread: Thread) -> None:
        """Let the thread run now, through the kernel's exit."""
        before = kernel.current
        assert before is not None
        threads.set_priority(before, 10)
        threads.set_priority(thread, 11)
        assert resume.begin() is thread

    def deny(self, thread: Thread) -> None:
        """The current thread denies another floating point."""
        caller = kernel.current
        assert caller is not None
        self.give(caller, 9, ThreadCap(thread))
        say(caller, 0, fpu.FPU_DISABLED, label=Label.TCB_SET_FLAGS)
        assert self.system_call(Call.CALL, 9) is caller
        assert heard(caller)[1:] == (0, [fpu.FPU_DISABLED])

    def use(self) -> None:
        """The current thread changes a register, if it can without a trap."""
        assert self.is_on()
        self.processor.csrs["sstatus"] |= SSTATUS_FS

    def is_on(self) -> bool:
        return self.processor.csr_read("sstatus") & SSTATUS_FS != 0

    def moved(self) -> tuple[list[int], list[int]]:
        """Whose registers were saved and whose loaded, since this was asked last."""
        saves, restores = list(self.processor.float_saves), list(self.processor.float_restores)
        self.processor.float_saves.clear()
        self.processor.float_restores.clear()
        return saves, restores

    def begin(self, *others: Thread) -> None:
        """All of these threads begin to use floating point; the first is current then."""
        for thread in (*others, self.faulter):
            self.switch(thread)
            assert self.trap(Cause.ILLEGAL_INSTRUCTION) is thread
            self.use()
        self.moved()


def home(*threads: Thread) -> list[int]:
    return [thread.float_registers.address for thread in threads]


@pytest.fixture
def system(world: World) -> Floating:
    return Floating(world)


def test_the_first_use_traps_and_brings_the_registers(system: Floating) -> None:
    assert not system.is_on()
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is system.faulter
    assert kernel.fpu_owner is system.faulter and system.is_on()
    assert system.moved() == ([], home(system.faulter))
    assert system.faulter.registers[Register.NEXT_PC] == PC
    other = system.thread(10)
    system.switch(other)
    assert not system.is_on()
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is other
    assert system.moved() == ([], home(other)), "the first has changed nothing"


def test_registers_that_were_brought_in_are_clean(system: Floating) -> None:
    system.trap(Cause.ILLEGAL_INSTRUCTION)
    assert system.processor.csr_read("sstatus") & SSTATUS_FS == SSTATUS_FS & ~SSTATUS_FS_DIRTY


def test_two_that_use_it_get_their_registers_without_a_trap(system: Floating) -> None:
    other = system.thread(10)
    system.begin(other)
    for _ in range(3):
        system.switch(other)
        assert system.is_on() and system.moved() == (home(system.faulter), home(other))
        system.use()
        system.switch(system.faulter)
        assert system.is_on() and system.moved() == (home(other), home(system.faulter))
        system.use()


def test_who_does_not_use_it_leaves_the_registers_where_they_are(system: Floating) -> None:
    other = system.thread(10)
    system.begin()
    for dirty in (True, False):
        system.switch(other)
        assert not system.is_on()
        system.switch(system.faulter)
        assert system.processor.csr_read("sstatus") & SSTATUS_FS_DIRTY == (SSTATUS_FS_DIRTY if dirty else 0)
        system.processor.csrs["sstatus"] &= ~SSTATUS_FS_DIRTY
    assert system.is_on() and system.moved() == ([], [])


def test_a_call_and_its_answer_exchange_the_registers(system: Floating) -> None:
    system.begin()
    system.give(system.faulter, EP, full_endpoint_cap(system.ep))
    assert system.system_call(Call.CALL, EP) is system.handler
    assert not system.is_on() and system.moved() == ([], [])
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is system.handler
    assert system.moved() == (home(system.faulter), home(system.handler))
    system.use()
    assert system.answer() is system.faulter
    assert system.moved() == (home(system.handler), home(system.faulter))
    system.use()
    assert system.system_call(Call.CALL, EP) is system.handler
    assert system.is_on() and system.moved() == (home(system.faulter), home(system.handler))


def test_one_that_stops_using_it_is_found_out(system: Floating) -> None:
    """After `PATIENCE` exchanges it is one that does not use it, whose next use traps."""
    other = system.thread(10)
    system.begin(other)
    for left in range(fpu.PATIENCE, 0, -1):
        assert other.float_use == left
        system.switch(other)
        system.moved()
        system.switch(system.faulter)
        assert system.moved() == ([], home(system.faulter)), "clean registers need not be saved"
        system.use()
    assert other.float_use == 0
    system.switch(other)
    assert not system.is_on() and kernel.fpu_owner is system.faulter and system.moved() == ([], [])
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is other
    assert system.moved() == (home(system.faulter), home(other)) and other.float_use == fpu.PATIENCE


def test_a_use_in_between_renews_patience(system: Floating) -> None:
    other = system.thread(10)
    system.begin(other)
    for turn in range(3 * fpu.PATIENCE):
        system.switch(other)
        if turn % 2:
            system.use()
        system.switch(system.faulter)
        system.use()
    assert other.float_use >= fpu.PATIENCE - 1


def test_flags_alone_are_a_change(system: Floating) -> None:
    """Though the state is clean: emulators forget to make it dirty."""
    other = system.thread(10)
    system.begin(other)
    system.switch(other)
    other.float_status = 0
    system.moved()
    system.processor.csrs["fcsr"] = 1
    system.switch(system.faulter)
    assert system.moved() == (home(other), home(system.faulter))


def test_what_is_illegal_with_floating_point_is_illegal(system: Floating) -> None:
    system.trap(Cause.ILLEGAL_INSTRUCTION)
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is system.handler
    assert heard(system.handler)[1:] == (FaultKind.USER_EXCEPTION, [PC, 0, 2, 0])


@pytest.mark.parametrize("is_loaded", [True, False])
def test_a_thread_that_is_denied_floating_point(system: Floating, is_loaded: bool) -> None:
    """Its registers come home, if they are not there."""
    other, third = system.thread(10), system.thread(10)
    system.begin(other)
    if not is_loaded:
        system.switch(other)
        system.use()
    system.switch(third)
    system.moved()
    system.deny(system.faulter)
    assert system.moved() == (home(system.faulter) if is_loaded else [], [])
    assert kernel.fpu_owner is (None if is_loaded else other) and system.faulter.float_use == 0
    system.switch(system.faulter)
    assert not system.is_on()
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is system.handler, "it is a fault"


def test_a_thread_that_denies_itself(system: Floating) -> None:
    system.begin()
    system.deny(system.faulter)
    assert not system.is_on() and system.moved() == (home(system.faulter), [])
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is system.handler


def test_a_thread_that_ends_leaves_floating_point(system: Floating) -> None:
    other = system.thread(10)
    system.begin()
    slot = system.world.slot(ThreadCap(system.faulter))
    system.switch(other)
    derivation.delete(slot)
    assert kernel.fpu_owner is None
    assert system.trap(Cause.ILLEGAL_INSTRUCTION) is other
    assert system.moved() == ([], home(other)), "nobody's registers are saved"


def test_registers_of_one_that_is_stopped_come_home_when_another_wants_them(system: Floating) -> None:
    other = system.thread(10)
    system.begin(other)
    threads.suspend(system.faulter)
    assert resume.begin() is other
    assert system.moved() == (home(system.faulter), home(other))
