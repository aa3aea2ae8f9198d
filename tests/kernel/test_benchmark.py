"""Benchmark system calls: what is measured, where it is told, and that other builds have none of it."""

from __future__ import annotations

import pytest

from pith.abi.benchmark import LOG_BYTES, RECORDS, Path, Record
from pith.abi.capabilities import CapabilityKind
from pith.abi.errors import ErrorCode
from pith.abi.labels import Label
from pith.abi.messages import MessageInfo
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.kernel import benchmark, budget, debug, derivation, scheduler
from pith.kernel.objects import (
    Cap,
    FaultKind,
    FrameCap,
    FrameSize,
    NullCap,
    Register,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
)
from pith.kernel.riscv64.csr import INTERRUPT, Cause
from pith.kernel.riscv64.window import window_of
from pith.kernel.state import kernel
from pith.metal import Array

from .conftest import World
from .running import Running, say
from .test_debug import printed
from .test_fastpath import EP, Scene

OK, ILLEGAL = ErrorCode.NO_ERROR, ErrorCode.ILLEGAL_OPERATION
FRAME, THREAD = 5, 6
STEP = 100  # cycles that each reading of the counter takes


class Benchmark(Running):
    """A running system, its processor counting cycles, built for `mode`."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
        super().__init__(world)
        monkeypatch.setattr(benchmark, "MODE", mode)
        self.cycle = 0
        read = world.processor.csr_read

        def csr_read(name: str) -> int:
            if name == "cycle":
                self.cycle += STEP
                return self.cycle
            return read(name)

        monkeypatch.setattr(world.processor, "csr_read", csr_read)
        world.put(benchmark.log.slots[0], NullCap())
        self.thread_a = self.first_thread()

    def first_thread(self) -> Thread:
        return self.make_current(self.thread(10))

    def call(self, call: BenchmarkCall, target: int = 0) -> int:
        """The current thread makes the benchmark call; what is in its a0 then."""
        thread = kernel.current
        assert thread is not None
        last = DebugCall.NAME_THREAD if debug.DEBUG else SystemCall.YIELD
        self.system_call(last - 1 - call, target)
        assert thread.fault_kind is FaultKind.NONE
        return thread.registers[Register.A0]

    def frame(self, **changes: object) -> Slot:
        """The slot of a large page that can be a log."""
        base = self.world.place(2 << 20)
        cap = FrameCap(
            FrameSize(changes.get("size", FrameSize.MEGA)),
            bool(changes.get("can_write", True)),
            True,
            bool(changes.get("is_device", False)),
            base,
            0,
            0,
        )
        self.give(self.thread_a, FRAME, cap)
        return self.world.root_slot(self.thread_a, FRAME)


@pytest.fixture
def entries(world: World, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    return Benchmark(world, monkeypatch, benchmark.ENTRIES)


@pytest.fixture
def tracking(world: World, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    return Benchmark(world, monkeypatch, benchmark.UTILISATION)


# Numbers ----------------------------------------------------------------------------------------------------


def is_known(system: Running, number: int) -> bool:
    thread = kernel.current
    assert thread is not None
    system.system_call_only(number)
    known = thread.fault_kind is FaultKind.NONE
    assert known or thread.fault_words[0] == number % (1 << 64)
    return known


def test_other_builds_have_no_benchmark_calls(world: World) -> None:
    system = Running(world)
    system.make_current(system.thread(10))
    assert not is_known(system, DebugCall.NAME_THREAD - 1)


@pytest.mark.parametrize(
    ("mode", "has_debug", "first", "last"),
    [
        (benchmark.ENTRIES, True, -18, -22),
        (benchmark.ENTRIES, False, -12, -16),
        (benchmark.UTILISATION, True, -18, -26),
        (benchmark.UTILISATION, False, -12, -18),
    ],
)
def test_numbers_follow_those_of_the_build_s_other_calls(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: int, has_debug: bool, first: int, last: int
) -> None:
    monkeypatch.setattr(debug, "DEBUG", has_debug)
    system = Benchmark(world, monkeypatch, mode)
    for number in range(first, last - 1, -1):
        assert is_known(system, number)
    assert not is_known(system, last - 1)


def test_the_order_is_the_interface_s() -> None:
    assert [call.value for call in BenchmarkCall] == list(range(9))


# The log ----------------------------------------------------------------------------------------------------


def test_the_record_s_layout_is_the_interface_s() -> None:
    fields = Record.layout().fields
    assert [fields[name].offset for name in ("start", "duration", "path", "request")] == [0, 8, 12, 13]
    assert Record.layout().size == 24


def records(slot: Slot, count: int) -> list[tuple[int, int, int, int]]:
    assert isinstance(slot.cap, FrameCap)
    rows = Array[Record].at(window_of(slot.cap.base), count)
    return [
        (r.start, r.duration, r.path, sum(r.request[byte] << 8 * byte for byte in range(8)))
        for r in (rows[index] for index in range(count))
    ]


def test_each_entry_is_a_record(entries: Benchmark) -> None:
    slot = entries.frame()
    assert entries.call(BenchmarkCall.SET_LOG_BUFFER, FRAME) == OK
    assert entries.call(BenchmarkCall.RESET_LOG) == OK
    thread = entries.thread_a
    entries.call(BenchmarkCall.NULL_SYSCALL)
    entries.give(thread, 3, ThreadCap(thread))
    thread.registers[Register.A1] = MessageInfo(label=int(Label.TCB_SET_FLAGS)).bits
    entries.system_call(SystemCall.NB_SEND, 3)
    entries.system_call(SystemCall.NB_SEND, 1 << 60)
    entries.interrupt()
    assert entries.call(BenchmarkCall.FINALIZE_LOG) == 4
    entries.call(BenchmarkCall.NULL_SYSCALL)  # is recorded no more
    found = records(slot, 6)
    label = int(Label.TCB_SET_FLAGS) << 10
    assert [row[2:] for row in found] == [
        (Path.UNKNOWN_SYSCALL, 0),
        (Path.SYSCALL, 6 | CapabilityKind.THREAD << 4 | label),
        (Path.SYSCALL, 6 | label),
        (Path.INTERRUPT, 0),
        (Path.UNKNOWN_SYSCALL, 0),  # the entry that ended the log
        (0, 0),
    ]
    assert all(duration == STEP for _, duration, _, _ in found[:4])
    assert [found[index + 1][0] - found[index][0] for index in range(3)] == [2 * STEP] * 3


class BenchmarkScene(Benchmark, Scene):
    """The same, with a client and a passive server that waits for it."""

    def first_thread(self) -> Thread:
        return self.client


@pytest.mark.parametrize("extra_caps", [0, 1])
def test_a_record_tells_of_the_fast_path(
    world: World, monkeypatch: pytest.MonkeyPatch, extra_caps: int
) -> None:
    system = BenchmarkScene(world, monkeypatch, benchmark.ENTRIES)
    slot = system.frame()
    system.call(BenchmarkCall.SET_LOG_BUFFER, FRAME)
    system.call(BenchmarkCall.RESET_LOG)
    say(system.client, 1, caps=extra_caps)
    assert system.system_call(SystemCall.CALL, EP) is system.server
    ((_, _, _, request),) = records(slot, 1)
    assert bool(request >> 9 & 1) is (extra_caps == 0)


@pytest.mark.parametrize(
    ("cause", "path"),
    [
        (Cause.LOAD_PAGE_FAULT, Path.VM_FAULT),
        (Cause.STORE_ACCESS_FAULT, Path.VM_FAULT),
        (Cause.INSTRUCTION_PAGE_FAULT, Path.VM_FAULT),
        (Cause.ILLEGAL_INSTRUCTION, Path.USER_FAULT),
        (INTERRUPT | 5, Path.INTERRUPT),
        (Cause.USER_CALL, Path.UNKNOWN_SYSCALL),  # number 0
    ],
)
def test_why_the_kernel_was_entered(entries: Benchmark, cause: int, path: Path) -> None:
    slot = entries.frame()
    entries.call(BenchmarkCall.SET_LOG_BUFFER, FRAME)
    entries.call(BenchmarkCall.RESET_LOG)
    entries.thread_a.registers[Register.A7] = 0
    entries.thread(5)  # goes on when the other stops
    entries.trap(cause)
    assert records(slot, 1)[0][2] == path


@pytest.mark.made_up  # a frame over the kernel's own memory
def test_a_log_needs_a_large_page_of_memory(entries: Benchmark) -> None:
    assert entries.call(BenchmarkCall.RESET_LOG) == ILLEGAL
    assert entries.call(BenchmarkCall.FINALIZE_LOG) == 0
    for wrong in ({"size": FrameSize.PAGE}, {"is_device": True}, {"can_write": False}):
        entries.world.free = entries.world.free // (2 << 20) * (2 << 20)
        entries.frame(**wrong)
        assert entries.call(BenchmarkCall.SET_LOG_BUFFER, FRAME) == ILLEGAL
    assert entries.call(BenchmarkCall.SET_LOG_BUFFER, 1 << 60) == ILLEGAL
    assert entries.call(BenchmarkCall.RESET_LOG) == ILLEGAL


def test_a_log_ends_when_its_frame_is_revoked(entries: Benchmark) -> None:
    slot = entries.frame()
    for _ in range(2):  # the second takes the place of the first
        assert entries.call(BenchmarkCall.SET_LOG_BUFFER, FRAME) == OK
    entries.call(BenchmarkCall.RESET_LOG)
    entries.call(BenchmarkCall.NULL_SYSCALL)
    assert slot.link.next is benchmark.log.slots[0]
    derivation.revoke(slot)
    assert isinstance(benchmark.log.slots[0].cap, NullCap)
    entries.call(BenchmarkCall.NULL_SYSCALL)
    assert benchmark.measuring.count == 1
    assert entries.call(BenchmarkCall.RESET_LOG) == ILLEGAL


def test_a_full_log_stays_as_it_is(entries: Benchmark) -> None:
    slot = entries.frame()
    entries.call(BenchmarkCall.SET_LOG_BUFFER, FRAME)
    entries.call(BenchmarkCall.RESET_LOG)
    benchmark.measuring.count = RECORDS - 1
    for _ in range(3):
        entries.call(BenchmarkCall.NULL_SYSCALL)
    assert entries.call(BenchmarkCall.FINALIZE_LOG) == RECORDS
    assert records(slot, RECORDS)[-1][2] == Path.UNKNOWN_SYSCALL
    assert RECORDS * 24 <= LOG_BYTES


# Utilisation ------------------------------------------------------------------------------------------------


def usage(system: Benchmark, of: Thread) -> list[int]:
    """What GetThreadUtilisation tells the current thread of another, in the interface's order."""
    thread = kernel.current
    assert thread is not None
    system.give(thread, THREAD, ThreadCap(of))
    system.call(BenchmarkCall.GET_THREAD_UTILISATION, THREAD)
    words = system.world.buffer(thread).words
    return [words[index] for index in range(13)]


def test_cycles_entries_and_switches_are_counted(tracking: Benchmark) -> None:
    assert tracking.call(BenchmarkCall.RESET_LOG) == OK
    for _ in range(5):
        tracking.call(BenchmarkCall.NULL_SYSCALL)
    assert tracking.call(BenchmarkCall.FINALIZE_LOG) == 0
    cycles, switches, kernel_cycles, entries, *others = usage(tracking, tracking.thread_a)
    # The counter is read once at each entry and once at each exit, and by ResetLog and FinalizeLog themselves.
    assert kernel_cycles == (1 + 5 + 1) * STEP
    assert cycles == (1 + 5 * 2 + 2) * STEP
    assert (switches, entries) == (0, 6)
    assert others[:5] == [0, 0, 0, 0, 0]
    assert others[5:] == [cycles, 0, kernel_cycles, 6]


def test_the_time_between_two_threads_is_told_apart(tracking: Benchmark) -> None:
    tracking.call(BenchmarkCall.RESET_LOG)
    other = tracking.thread(10)
    before = usage(tracking, tracking.thread_a)
    assert tracking.system_call(SystemCall.YIELD) is other
    tracking.call(BenchmarkCall.NULL_SYSCALL)
    assert tracking.system_call(SystemCall.YIELD) is tracking.thread_a
    after = usage(tracking, tracking.thread_a)
    assert (other.usage.switches, other.usage.kernel_entries) == (1, 2)
    assert other.usage.cycles == 4 * STEP and other.usage.kernel_cycles == 2 * STEP
    assert after[1] - before[1] == 1 and after[10] == 2
    assert after[9] > before[9]  # still measured


def test_idleness_is_the_idle_thread_s(tracking: Benchmark) -> None:
    tracking.call(BenchmarkCall.RESET_LOG)
    late = tracking.thread(9, tracking.context(100, 1000))
    assert late.context is not None and kernel.idle is not None
    budget.first(late.context).time += 1000
    scheduler.postpone(late.context)
    assert tracking.system_call(SystemCall.RECV, 1 << 60) is late  # a fault without a handler: it stops
    assert kernel.idle.usage.switches == 1
    assert kernel.idle.usage.cycles >= kernel.idle.usage.kernel_cycles + STEP
    found = usage(tracking, late)
    assert found[1] == 1 and found[4] == found[5] == kernel.idle.usage.cycles
    tracking.call(BenchmarkCall.RESET_LOG)
    assert kernel.idle.usage.cycles == 0


def test_one_thread_s_counts_begin_again(tracking: Benchmark) -> None:
    other = tracking.thread(5)
    other.usage.cycles = other.usage.switches = 7
    tracking.give(tracking.thread_a, THREAD, ThreadCap(other))
    tracking.call(BenchmarkCall.RESET_THREAD_UTILISATION, THREAD)
    assert (other.usage.cycles, other.usage.switches) == (0, 0)


def test_what_is_no_thread_has_no_utilisation(tracking: Benchmark) -> None:
    words = tracking.world.buffer(tracking.thread_a).words
    words[0] = 99
    tracking.give(tracking.thread_a, THREAD, tracking.world.frame())
    for target in (THREAD, 1 << 60):
        tracking.call(BenchmarkCall.RESET_THREAD_UTILISATION, target)
        tracking.call(BenchmarkCall.GET_THREAD_UTILISATION, target)
    assert words[0] == 99
    tracking.give(tracking.thread_a, THREAD, ThreadCap(tracking.thread_a))
    buffer: Cap = tracking.thread_a.slots[ThreadSlot.BUFFER].cap
    tracking.world.put(tracking.thread_a.slots[ThreadSlot.BUFFER], NullCap())
    tracking.call(BenchmarkCall.GET_THREAD_UTILISATION, THREAD)
    tracking.world.put(tracking.thread_a.slots[ThreadSlot.BUFFER], buffer)
    assert words[0] == 99


def test_all_threads_of_the_caller_s(tracking: Benchmark) -> None:
    other = tracking.thread(5)
    debug.set_name(other, "other")
    other.usage.cycles = 1234
    tracking.give(tracking.thread_a, THREAD, ThreadCap(other))
    tracking.call(BenchmarkCall.DUMP_ALL_THREADS_UTILISATION)
    assert printed(tracking) == "other,1234\n"
    tracking.call(BenchmarkCall.RESET_ALL_THREADS_UTILISATION)
    assert other.usage.cycles == 0
    tracking.world.put(tracking.thread_a.slots[ThreadSlot.CSPACE], NullCap())
    tracking.call(BenchmarkCall.DUMP_ALL_THREADS_UTILISATION)
    assert printed(tracking) == "other,1234\n"


def test_caches_are_flushed_as_far_as_there_are_orders(
    tracking: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(tracking.world.processor, "instruction_fence", lambda: flushed.append("instructions"))
    tracking.world.processor.fences.clear()
    tracking.call(BenchmarkCall.FLUSH_CACHES)
    assert flushed == ["instructions"] and (None, None) in tracking.world.processor.fences
