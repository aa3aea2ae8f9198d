"""Debug system calls, printing, and the text of entry and exit."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from pith.abi.syscalls import DebugCall
from pith.kernel import debug
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    EndpointCap,
    FrameCap,
    IRQControlCap,
    IRQHandlerCap,
    NotificationCap,
    NullCap,
    PageTableCap,
    Register,
    ReplyCap,
    SchedContextCap,
    SchedControlCap,
    Thread,
    ThreadCap,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.riscv64 import entry
from pith.kernel.riscv64.trap import handle_kernel_trap
from pith.kernel.state import kernel
from pith.metal import machine

from .conftest import World
from .running import PC, Running, full_endpoint_cap


@pytest.fixture
def system(world: World) -> Running:
    system = Running(world)
    system.make_current(system.thread(10))
    return system


def printed(system: Running) -> str:
    calls = system.world.processor.sbi_calls
    return "".join(chr(call[2]) for call in calls if call[0] == debug.SBI_PUT_CHAR)


def test_put_char(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    for character in "hi":
        assert system.system_call(DebugCall.PUT_CHAR, ord(character)) is thread
    assert printed(system) == "hi"
    assert thread.registers[Register.NEXT_PC] == PC + 4


def test_halt_asks_the_firmware(system: Running) -> None:
    system.system_call(DebugCall.HALT)
    assert any(call[0] == debug.SBI_RESET for call in system.world.processor.sbi_calls)


def test_identify(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    system.give(thread, 3, full_endpoint_cap(system.endpoint()))
    for address, kind in ((3, 4), (4, 0), (1 << 40, 0)):
        system.system_call(DebugCall.CAP_IDENTIFY, address)
        assert thread.registers[Register.A0] == kind


KINDS = {  # seL4's, as its kernel answers them
    UntypedCap: 2, EndpointCap: 4, NotificationCap: 6, ReplyCap: 8, CNodeCap: 0xA, ThreadCap: 0xC, IRQControlCap: 0xE,
    IRQHandlerCap: 0x10, ZombieCap: 0x12, DomainCap: 0x14, SchedContextCap: 0x16, SchedControlCap: 0x18, FrameCap: 1,
    PageTableCap: 3, ASIDControlCap: 0xB, ASIDPoolCap: 0xD, NullCap: 0,
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(Cap), ids=lambda kind: kind.__name__)
def test_kinds_have_the_numbers_of_sel4(system: Running, kind: Any) -> None:
    """Zombies are asked about too: nobody can name one, but the log of kernel entries may meet it."""
    thread = kernel.current
    assert thread is not None
    system.world.root_slot(thread, 3).cap = kind.from_bits(kind.__tag__)
    assert debug.identify(thread, 3) == KINDS[kind]


def test_names_and_the_scheduler_s_state(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    system.give(thread, 3, ThreadCap(thread))
    buffer = system.world.buffer(thread)
    buffer.words[0] = int.from_bytes(b"driver\0\0", "little")
    system.system_call(DebugCall.NAME_THREAD, 3)
    other = system.thread(10)
    late = system.thread(9, system.context(100, 1000))
    assert late.context is not None
    system.system_call(DebugCall.NAME_THREAD, 4)
    system.system_call(DebugCall.NAME_THREAD, 1 << 40)
    from pith.kernel import scheduler

    scheduler.postpone(late.context)
    system.system_call(DebugCall.DUMP_SCHEDULER)
    text = printed(system)
    assert "runs   driver, priority 10, pc 0x10004" in text
    assert f"ready  thread {other.address:#x}, priority 10" in text
    assert f"waits  thread {late.address:#x}, priority 9" in text
    assert "1000 ticks from" in text


def test_the_scheduler_s_state_with_nobody_to_run(system: Running) -> None:
    assert kernel.idle is not None
    kernel.current = kernel.idle
    debug.dump_scheduler()
    assert "ticks from" not in printed(system)


def test_a_shorter_name_hides_the_longer_one(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    system.give(thread, 3, ThreadCap(thread))
    for name in (b"a long name".ljust(16, b"\0"), b"short".ljust(16, b"\0")):
        for index in range(2):
            system.world.buffer(thread).words[index] = int.from_bytes(name[8 * index :][:8], "little")
        system.system_call(DebugCall.NAME_THREAD, 3)
    debug.put_name(thread)
    assert printed(system) == "short"


def test_a_name_of_full_length(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    system.give(thread, 3, ThreadCap(thread))
    for index in range(8):
        system.world.buffer(thread).words[index] = int.from_bytes(b"x" * 8, "little")
    system.system_call(DebugCall.NAME_THREAD, 3)
    debug.put_name(thread)
    assert printed(system) == "x" * 31 and thread.name[31] == 0


def test_the_scheduler_s_state_without_anybody_s_time(system: Running) -> None:
    thread = kernel.current
    assert thread is not None
    thread.context = None
    debug.dump_scheduler()
    assert printed(system).endswith("pc 0x0\n")
    system.world.processor.sbi_calls.clear()
    kernel.current = None
    debug.dump_scheduler()
    assert printed(system) == ""


def test_a_thread_without_a_name_is_told_by_who_made_it(system: Running) -> None:
    maker = kernel.current
    assert maker is not None
    child, grandchild, orphan = system.thread(9), system.thread(8), system.thread(7)
    debug.set_name(maker, "x" * 31)
    for made, by in ((child, maker), (grandchild, child)):
        kernel.current = by
        debug.set_maker(made)
        system.world.processor.sbi_calls.clear()
        debug.put_name(made)
        assert printed(system) == f"thread {made.address:#x}, made by {'x' * 30}"
        assert made.name[31] == 0
    system.world.processor.sbi_calls.clear()
    debug.put_name(orphan)
    assert printed(system) == f"thread {orphan.address:#x}"
    kernel.current = child
    debug.set_name(child, "driver")
    debug.set_maker(orphan)
    debug.put_name(orphan)
    assert printed(system).endswith(", made by driver")


@pytest.mark.parametrize("number", [0, 7, 10, 255, 4096, (1 << 64) - 1])
@pytest.mark.parametrize("width", [0, 1, 16])
def test_numbers(system: Running, number: int, width: int) -> None:
    debug.put_number(number, 16, width, True)
    debug.put_character(ord(" "))
    debug.put_number(number, 10, width, False)
    assert printed(system) == f"0x{number:0{width}x} {number:0{width}d}"


def test_a_trap_in_the_kernel_stops_it(system: Running) -> None:
    with pytest.raises(machine.Panic):
        handle_kernel_trap(13, 0x10, 0)
    assert "the kernel trapped: cause 13, at 0x10" in printed(system)


def test_entry_saves_and_loads_every_register() -> None:
    first = Thread.layout().fields["registers"].offset
    saves, loads = entry.trap_text(), entry.resume_text()
    for register in Register:
        if register < Register.NEXT_PC:
            name, place = register.name.lower(), f"{first + 8 * register}(sp)"
            assert f"sd {'t0' if name == 'sp' else name}, {place}" in saves
            assert f"ld {name}, {place}" in loads
    assert loads.rindex("ld sp,") > max(
        loads.rindex(f"ld {r.name.lower()},") for r in Register if r.name != "SP" and r < 31
    )
    assert "pith_kernel_start" in entry.start_text()


def test_on_the_hosted_machine_entry_is_the_machine_s() -> None:
    for function in (entry.enter, entry.trap):
        with pytest.raises(NotImplementedError):
            function()


def test_on_the_hosted_machine_threads_are_resumed_by_it(system: Running) -> None:
    assert kernel.current is not None
    with pytest.raises(NotImplementedError):
        entry.resume(kernel.current)
