"""What happens rarely: the kernel's own end, and turns that no other test takes."""

from __future__ import annotations

import pytest

from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.kernel import blocking, debug, panic
from pith.kernel.objects import (
    Notification,
    NotificationCap,
    Register,
    ThreadCap,
    ThreadState,
)
from pith.kernel.riscv64 import device_tree
from pith.kernel.riscv64.window import window_of
from pith.metal import memory
from pith.metal.panics import PanicSite

from .conftest import RAM, World
from .invoking import THREAD, Invoking
from .running import full_endpoint_cap, heard, ready, reply_cap, say
from .test_debug import printed


class PoweredOff(Exception):
    """The firmware ended the machine."""


@pytest.fixture
def system(world: World) -> Invoking:
    return Invoking(world)


def text(world: World, words: str) -> tuple[int, int]:
    """Address and length of a constant text."""
    place = world.place(64)
    world.write(place, words.encode())
    return window_of(place), len(words)


@pytest.mark.parametrize("test_device", [0, 0x10_0000])
def test_a_panic_says_where_and_ends_the_machine(system: Invoking, test_device: int) -> None:
    world, call = system.world, system.world.processor.sbi_call

    def sbi_call(*arguments: int) -> tuple[int, int]:
        call(*arguments)
        if arguments[0] == panic.SBI_RESET:
            raise PoweredOff()
        return 0, 0

    setattr(world.processor, "sbi_call", sbi_call)
    device_tree.board.test_device = test_device
    site = world.make(PanicSite)
    site.file, site.file_length = text(world, "untyped.py")
    site.reason, site.reason_length = text(world, "too large")
    site.line = 77
    with pytest.raises(PoweredOff):
        panic.panic(site, 0x1234)
    assert printed(system) == "\nkernel panic at untyped.py:77: too large (value 0x1234)\n"
    assert world.processor.sbi_calls[-1][:4] == (panic.SBI_RESET, 0, 0, panic.SYSTEM_FAILURE)
    stores = [(window_of(test_device), 4, panic.TEST_FAILED)] if test_device else []
    assert world.processor.device_stores[-1:] == stores
    assert memory.view_u8[site.address - window_of(RAM)] == site.file & 0xFF


def test_a_ready_thread_changes_its_queue_with_its_priority(system: Invoking) -> None:
    thread = system.thread(5)
    system.give(system.caller, THREAD, ThreadCap(thread))
    system.run()
    assert ready(5) == [thread]
    system.invoke(Label.TCB_SET_PRIORITY, 7, caps=(ThreadCap(system.caller),))
    assert system.run() is system.caller
    assert (ready(5), ready(7)) == ([], [thread])


def test_a_waiter_changes_its_place_with_its_priority(system: Invoking) -> None:
    note = system.world.make(Notification)
    low, high = system.thread(150), system.thread(200)
    for thread in (high, low):
        system.give(thread, 3, NotificationCap(True, True, note, 0))
        system.make_current(thread)
        system.system_call(SystemCall.WAIT, 3)
    assert note.queue.head is high
    blocking.change_priority(low, 201)
    assert note.queue.head is low and note.queue.tail is high


def test_send_and_receive_at_two_endpoints(system: Invoking) -> None:
    first, second = system.endpoint(), system.endpoint()
    listener = system.thread(200)
    system.give(listener, 3, full_endpoint_cap(first))
    system.make_current(listener)
    assert system.system_call(
        SystemCall.RECV, 3, reply=system.give(listener, 4, reply_cap(system.reply()))
    ) is (system.caller)
    system.give(system.caller, 5, full_endpoint_cap(first, 9))
    system.give(system.caller, 6, full_endpoint_cap(second))
    system.give(system.caller, 7, reply_cap(system.reply()))
    say(system.caller, 11, 22)
    assert system.system_call(SystemCall.NB_SEND_RECV, 6, reply=7, destination=5) is listener
    assert heard(listener) == (9, 0, [11, 22])
    assert system.caller.state is ThreadState.BLOCKED_ON_RECEIVE and system.caller.wait_endpoint is second


def test_a_release_tells_nothing_of_faults(system: Invoking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug, "DEBUG", False)
    system.thread(5)
    system.caller.registers[Register.A1] = MessageInfo().bits
    system.system_call(SystemCall.SEND, 1 << 60)
    assert system.caller.state is ThreadState.INACTIVE
    assert printed(system) == ""
