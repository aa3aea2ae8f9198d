"""A processor that does the same for every kernel: time, interrupts, floating point, all by the script.

Time stands still but for what a step lets pass (`elapse`) and for what each look at pending interrupts costs (`look`),
so that long operations are interrupted in their middle. A kernel that waits is woken by its own deadline, or by a device;
when neither will ever come, it is `Asleep` for good. All that the kernel tells the processor is written to `log`.
"""

from __future__ import annotations

from typing import Final

from pith.kernel.riscv64 import plic, timer, window
from pith.kernel.riscv64.csr import SSTATUS_FS, SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER

PLIC_PHYSICAL: Final = 0x0C00_0000
CONTEXT: Final = 1
FOREVER: Final = 1 << 60
FLOAT_WORDS: Final = 33
LINES: Final = 128
CYCLES_PER_LOOK: Final = 1000
PATIENCE: Final = 40  # times that the kernel may wake in one entry and find nothing to do but change domains


class Asleep(BaseException):
    """The kernel waits for an interrupt, and none will come. No kernel catches it."""


class Processor:
    """Answers `pith.metal.machine`; `words` is the memory that it shares with its kernel, from address `base` on."""

    def __init__(self, words: memoryview, base: int) -> None:
        self.words, self.base = words, base
        self.time, self.look, self.deadline = 1_000_000, 0, FOREVER
        self.sstatus, self.stval = 0, 0
        self.enabled, self.pending, self.claimed = 0, 0, 0  # bits by interrupt line
        self.float = [0] * FLOAT_WORDS
        self.waits, self.cycles = 0, 0
        self.patience = 0
        self.log: list[tuple[object, ...]] = []

    def state(self) -> tuple[object, ...]:
        """All that a later answer may depend on."""
        lines = (self.enabled, self.pending, self.claimed)
        return (
            self.time, self.deadline, self.sstatus, *lines, tuple(self.float), self.waits, self.cycles,
        )  # fmt: skip

    def restore(self, state: tuple[object, ...]) -> None:
        """Be as when `state` was taken."""
        (
            self.time,
            self.deadline,
            self.sstatus,
            self.enabled,
            self.pending,
            self.claimed,
            floats,
            self.waits,
            self.cycles,
        ) = state  # type: ignore[assignment]
        self.float = list(floats)  # type: ignore[call-overload]
        self.log.clear()

    def prepare(self, elapse: int, look: int, lines: int) -> None:
        """What happens before a kernel entry."""
        self.time += elapse
        self.look = look
        self.pending |= lines
        self.patience = PATIENCE
        self.log.clear()

    # Interrupts ---------------------------------------------------------------------------------------------

    def _waiting_lines(self) -> int:
        return self.pending & self.enabled & ~self.claimed

    def sip(self) -> int:
        """What is pending; looking takes time."""
        self.time += self.look
        timer = SUPERVISOR_TIMER if self.time >= self.deadline else 0
        return timer | (SUPERVISOR_EXTERNAL if self._waiting_lines() else 0)

    def wait_for_interrupt(self) -> None:
        self.waits += 1
        self.patience -= 1
        if not self.patience:
            raise Asleep
        if self.time >= self.deadline or self._waiting_lines():
            return
        free = self.enabled & ~self.claimed
        if free and self.waits % 4 == 0:
            self.pending |= free & -free
        elif self.deadline < FOREVER:
            self.time = self.deadline
        else:
            raise Asleep

    # Registers ----------------------------------------------------------------------------------------------

    def csr_read(self, name: str) -> int:
        match name:
            case "time":
                return self.time
            case "sip":
                return self.sip()
            case "sstatus":
                return self.sstatus
            case "stval":
                return self.stval
            case "fcsr":
                return self.float[-1]
            case "cycle":
                self.cycles += CYCLES_PER_LOOK
                return self.cycles
            case _:
                return 0

    def csr_write(self, name: str, value: int) -> None:
        self.log.append(("csr", name, value))
        match name:
            case "stimecmp":
                self.deadline = value
            case "sstatus":
                self.sstatus = value

    def sbi_call(self, *arguments: int) -> tuple[int, int]:
        """The firmware: an OpenSBI that keeps the timer, and takes note of the rest, such as what is printed."""
        self.log.append(("sbi", *arguments))
        match arguments:
            case (timer.SBI_TIMER, 0, deadline, *_):
                self.deadline = deadline
            case (timer.SBI_BASE, 1, *_):
                return 0, timer.OPENSBI
            case (timer.SBI_BASE, 2, *_):
                return 0, timer.OPENSBI_1_1
        return 0, 0

    # Devices and memory -------------------------------------------------------------------------------------

    def _device(self, address: int) -> int:
        return address - window.WINDOW_BASE - PLIC_PHYSICAL

    def device_load(self, address: int, size: int) -> int:
        offset = self._device(address)
        if offset == plic.CLAIM + 0x1000 * CONTEXT:
            return self._claim()
        word = (offset - plic.ENABLE - 0x80 * CONTEXT) // 4
        return self.enabled >> 32 * word & 0xFFFF_FFFF if 0 <= word < LINES // 32 else 0

    def _claim(self) -> int:
        lines = self._waiting_lines()
        lowest = lines & -lines
        self.pending &= ~lowest
        self.claimed |= lowest
        return max(lowest.bit_length() - 1, 0)

    def device_store(self, address: int, size: int, value: int) -> None:
        offset = self._device(address)
        self.log.append(("device", offset, size, value))
        word = (offset - plic.ENABLE - 0x80 * CONTEXT) // 4
        if offset == plic.CLAIM + 0x1000 * CONTEXT:
            self.claimed &= ~(1 << value)
        elif 0 <= word < LINES // 32:
            self.enabled = self.enabled & ~(0xFFFF_FFFF << 32 * word) | value << 32 * word

    def translation_fence(self, address: int | None, asid: int | None) -> None:
        self.log.append(("fence", address, asid))

    def instruction_fence(self) -> None:
        self.log.append(("fence.i",))

    def end_reservation(self) -> None:
        self.log.append(("sc",))

    def symbol(self, name: str) -> int:
        raise KeyError(name)

    def save_float(self, address: int) -> None:
        assert self.sstatus & SSTATUS_FS, "floating point is off"
        start = (address - self.base) >> 3
        for index, word in enumerate(self.float):
            self.words[start + index] = word

    def restore_float(self, address: int) -> None:
        assert self.sstatus & SSTATUS_FS, "floating point is off"
        start = (address - self.base) >> 3
        self.float = self.words[start : start + FLOAT_WORDS].tolist()
        self.sstatus |= SSTATUS_FS  # dirty

    def system_call(self, registers: tuple[int, ...]) -> tuple[int, ...]:
        raise AssertionError("the kernel made a system call")
