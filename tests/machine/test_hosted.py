"""The hosted machine: time, interrupts, console, endings. A small kernel stands in for Pith's."""

from __future__ import annotations

import signal

import pytest

from pith import UserError
from pith.machine import DidNotAppear, Ending, board
from pith.machine.processor import KERNEL_ENTRY, PENDING_CHECK
from pith.metal import machine as metal
from tests.patience import ENOUGH

from .small_kernel import (
    A0,
    CODE,
    DEVICE,
    ECALL,
    EXTERNAL,
    MEMORY,
    TIMER,
    Seen,
    SmallKernel,
    machine,
    program,
    run,
    window,
)  # fmt: skip

LOOP = "1: addi a0, a0, 1\nj 1b"
PLIC = window(board.INTERRUPT_CONTROLLER.base)
CLAIM = PLIC + 0x20_1004


def set_timer(ticks: int) -> None:
    metal.sbi_call(0x5449_4D45, 0, ticks, 0, 0)


def enable_serial_interrupt() -> None:
    metal.device_store32(PLIC + 4 * board.SERIAL_INTERRUPT, 1)
    metal.device_store32(PLIC + 0x2080, 1 << board.SERIAL_INTERRUPT)
    metal.csr_set("sie", 1 << 9)


def periodic(entries: int, period: int = 50) -> SmallKernel:
    """A kernel that takes so many timer interrupts and ends."""

    def answer(kernel: SmallKernel, seen: Seen) -> None:
        kernel.times.append((metal.csr_read("time"), kernel.register(A0)))  # type: ignore[attr-defined]
        set_timer(metal.csr_read("time") + period)
        if len(kernel.seen) == entries:
            kernel.finish()

    kernel = SmallKernel(answer)
    kernel.times = []  # type: ignore[attr-defined]
    kernel.setup = lambda kernel: (set_timer(period), metal.csr_set("sie", 1 << 5))[1]
    return kernel


def test_the_timer_interrupts_at_its_deadline_to_the_instruction() -> None:
    kernel = run(LOOP, periodic(1))
    assert [seen.cause for seen in kernel.seen] == [TIMER]
    assert kernel.registers[A0] == 50 * 100 // 2


def test_two_runs_are_the_same_to_the_instruction() -> None:
    first, second = run(LOOP, periodic(20)), run(LOOP, periodic(20))
    assert first.seen == second.seen
    assert first.times == second.times  # type: ignore[attr-defined]
    assert len({time for time, _ in first.times}) == 20  # type: ignore[attr-defined]


def test_a_timer_that_is_not_enabled_does_not_interrupt() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: set_timer(0)
    with machine(kernel, LOOP) as running:
        assert running.run(instructions=1000) is Ending.INSTRUCTIONS
        assert running.instructions == 1000 and kernel.seen == []


def test_a_deadline_in_the_past_interrupts_before_the_first_instruction() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: (set_timer(0), metal.csr_set("sie", 1 << 5))[1]
    run(LOOP, kernel)
    assert kernel.seen[0].cause == TIMER and kernel.registers[A0] == 0


def test_a_machine_that_waits_sleeps_to_the_deadline() -> None:
    kernel = periodic(3, period=1_000_000)
    kernel.waiting = True
    run(LOOP, kernel)
    times = [time for time, _ in kernel.times]  # type: ignore[attr-defined]
    assert times[0] == 1_000_000 + (KERNEL_ENTRY + PENDING_CHECK) // board.INSTRUCTIONS_PER_TICK
    assert kernel.registers[A0] == 0


def test_a_machine_that_nothing_can_wake_says_so() -> None:
    kernel = SmallKernel()
    kernel.waiting = True
    with machine(kernel, LOOP) as running:
        assert running.run(seconds=ENOUGH) is Ending.ASLEEP
        assert running.run(instructions=500) is Ending.INSTRUCTIONS


def test_the_firmware_prints() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        metal.sbi_call(1, 0, kernel.register(A0), 0, 0)
        kernel.skip()

    text = "".join(f"li a0, {ord(letter)}\necall\n" for letter in "ab$ c$ ")
    with machine(SmallKernel(answer), text + LOOP) as running:
        assert running.wait_for("$ ") == "ab$ "
        assert running.wait_for("$ ") == "c$ "
        assert running.output == "ab$ c$ "
        assert running.run(until="$ ", instructions=1000) is Ending.INSTRUCTIONS


def test_the_firmware_ends_lines_as_terminals_want_it() -> None:
    kernel = SmallKernel(lambda kernel, seen: (metal.sbi_call(1, 0, 10, 0, 0), kernel.finish())[1])
    with machine(kernel, "ecall") as running:
        running.run()
        assert running.output == "\r\n"


def test_a_text_that_does_not_come_is_told_with_the_consoles_end() -> None:
    kernel = SmallKernel(lambda kernel, seen: (metal.sbi_call(1, 0, ord("?"), 0, 0), kernel.finish())[1])
    with machine(kernel, "ecall") as running, pytest.raises(DidNotAppear, match=r"the machine ended[^?]*\?"):
        running.wait_for("never")


ECHO = f"""
    li s0, {DEVICE}
    li t0, 1
    sb t0, 1(s0)                # interrupt on input
1:  ecall                       # wait for it
2:  lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, 1b
    lbu a0, (s0)
    addi a0, a0, 1
    sb a0, (s0)
    j 2b
"""


def echo_kernel() -> SmallKernel:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        if seen.cause == ECALL:
            kernel.skip()
            kernel.waiting = True
        elif seen.cause == EXTERNAL:
            source = metal.device_load32(CLAIM)
            assert source == board.SERIAL_INTERRUPT
            metal.device_store32(CLAIM, source)
            # Level-triggered: the line stays up until the program reads, so close it until then.
            metal.csr_clear("sie", 1 << 9)
            kernel.waiting = False
        if seen.cause == ECALL:
            metal.csr_set("sie", 1 << 9)

    kernel = SmallKernel(answer)
    kernel.setup = lambda kernel: enable_serial_interrupt()
    return kernel


def test_a_driver_in_user_mode_receives_and_sends() -> None:
    with machine(kernel := echo_kernel(), ECHO) as running:
        assert running.run(seconds=ENOUGH) is Ending.ASLEEP
        running.send("HAL")
        assert running.wait_for("IBM") == "IBM"
        assert running.run(seconds=ENOUGH) is Ending.ASLEEP
        running.send("9")
        running.wait_for(":")
    assert [seen.cause for seen in kernel.seen] == [ECALL, EXTERNAL, ECALL, EXTERNAL]


def test_a_device_interrupts_right_behind_the_access_that_raised_it() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: enable_serial_interrupt()
    run(f"li a5, {DEVICE}\nli a0, 2\nsb a0, 1(a5)\nli a0, 99\n{LOOP}", kernel)
    assert kernel.seen[0].cause == EXTERNAL
    assert kernel.registers[A0] == 2


def test_the_test_device_gives_the_status() -> None:
    kernel = SmallKernel()
    kernel.setup = lambda kernel: kernel.map(DEVICE, board.TEST_DEVICE.base, 2 | 4 | 16)
    with machine(kernel, f"li a5, {DEVICE}\nli a0, 0x2a3333\nsw a0, (a5)\n{LOOP}") as running:
        assert running.run(seconds=ENOUGH) is Ending.EXIT
        assert running.exit_status == 42 and kernel.seen == []


def test_the_kernel_reads_registers_of_devices_through_its_window() -> None:
    kernel = SmallKernel()
    with machine(kernel, "ecall") as running:
        running.run()
        assert metal.device_load32(window(board.VIRTIO[0].base)) == 0x7472_6976


def test_the_firmware_says_what_it_can() -> None:
    with machine(SmallKernel(), "ecall") as running:
        running.run()
        assert metal.sbi_call(0x10, 3, 0x5449_4D45, 0, 0) == (0, 1)
        assert metal.sbi_call(0x10, 3, 0x48_534D, 0, 0) == (0, 0)
        error, _ = metal.sbi_call(0x48_534D, 0, 0, 0, 0)
        assert error == (1 << 64) - 2
        running.send("x")
        assert metal.sbi_call(2, 0, 0, 0, 0)[0] == ord("x")
        assert metal.sbi_call(2, 0, 0, 0, 0)[0] == (1 << 64) - 1


def test_memory_can_be_read_and_written() -> None:
    with machine(SmallKernel(), "ecall") as running:
        running.run()
        running.write_memory(0x8100_0000, b"hello")
        assert running.read_memory(0x8100_0000, 6) == b"hello\0"
        assert metal.load_u8(window(0x8100_0004)) == ord("o")


def test_it_can_be_stopped_and_goes_on() -> None:
    kernel = SmallKernel(lambda kernel, seen: kernel.skip())
    with machine(kernel, f"ecall\n{LOOP}") as running:
        running.trace = lambda cause, value: running.stop()
        assert running.run(seconds=ENOUGH) is Ending.STOPPED
        assert [seen.cause for seen in kernel.seen] == [ECALL]
        assert running.run(seconds=0.05) is Ending.SECONDS


@pytest.mark.slow
def test_a_kernel_that_does_not_come_back_is_stopped_and_the_alarm_put_away() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        while True:
            pass

    before = signal.getsignal(signal.SIGALRM)
    with machine(SmallKernel(answer), "ecall") as running:
        assert running.run(seconds=0.05) is Ending.SECONDS
        assert running.registers() is None
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_the_registers_of_a_thread_that_was_stopped() -> None:
    with machine(SmallKernel(), "li s5, 77\n1: j 1b") as running:
        assert running.run(instructions=1000) is Ending.INSTRUCTIONS
        registers = running.registers()
    assert registers is not None
    assert (registers.general[0], registers.general[21], registers.pc) == (0, 77, CODE + 4)


def test_an_error_of_the_kernel_comes_out_as_it_is() -> None:
    def answer(kernel: SmallKernel, seen: Seen) -> None:
        raise ZeroDivisionError("in the kernel")

    with (
        machine(SmallKernel(answer), "ecall") as running,
        pytest.raises(ZeroDivisionError, match="in the kernel"),
    ):
        running.run()


def test_an_error_of_a_device_comes_out_as_it_is() -> None:
    with machine(SmallKernel(), f"li a5, {DEVICE}\nsb a0, (a5)\n{LOOP}") as running:

        def fail(byte: int) -> None:
            raise ZeroDivisionError("in the device")

        running.uart.output = fail
        with pytest.raises(ZeroDivisionError, match="in the device"):
            running.run()


def test_an_image_too_large_for_the_memory_is_refused() -> None:
    image = program("ecall")
    image = image._replace(table=image.table._replace(user_end=board.MEMORY_BASE + (40 << 20)))
    with pytest.raises(UserError, match="41 MiB, and the machine has 32 MiB") as caught:
        image.check_fits(MEMORY)
    assert "--memory 64M" in caught.value.remedy
