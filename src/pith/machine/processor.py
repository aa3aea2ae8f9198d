"""The processor's supervisor mode, for a kernel that runs as Python: what `pith.metal.machine` asks of it.

Control registers, firmware calls, devices through the kernel's window, and fences. There is one clock: the instructions
that user code has executed, plus a fixed charge for each kernel entry and each look at pending interrupts, plus the
time that the machine slept. So the same run takes the same time, always.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol

from . import board
from .bus import Bus
from .core import FLOAT_SHIFT, Core
from .plic import Plic

MASK64: Final = (1 << 64) - 1
INTERRUPT: Final = 1 << 63  # in scause
SUPERVISOR_TIMER, SUPERVISOR_EXTERNAL = 5, 9  # bits of sie and sip, and causes
NEVER: Final = MASK64
FLOAT_STATE: Final = 3 << FLOAT_SHIFT  # in sstatus

# Instructions that a kernel entry counts for: about what a slow path takes on the metal, so that budgets
# that make sense there make sense here. A long operation that looks for interrupts takes time as well.
KERNEL_ENTRY: Final = 1000
PENDING_CHECK: Final = 100


class Firmware(IntEnum):
    """Extensions of the SBI (specification 1.0). Those below 16 are the legacy ones, without functions."""

    OLD_SET_TIMER = 0
    OLD_PUT = 1
    OLD_GET = 2
    OLD_SHUTDOWN = 8
    BASE = 0x10
    SET_TIMER = 0x5449_4D45
    SYSTEM_RESET = 0x5352_5354


PROBE: Final = 3  # the base extension's function that tells whether an extension is there
GET_VERSION: Final = 0
VERSION: Final = 1 << 24
NO_ERROR: Final = 0
NEWLINE, CARRIAGE_RETURN = 10, 13
NOT_SUPPORTED: Final = MASK64 - 1  # -2
NOTHING_READ: Final = MASK64  # -1


class Surroundings(Protocol):
    """What the firmware and an instruction to wait can do to the machine. `sleep` ends with an interrupt."""

    def write_console(self, byte: int) -> None: ...
    def read_console(self) -> int | None: ...
    def end(self, status: int) -> None: ...
    def sleep(self) -> None: ...


class HostedProcessor:
    """Answers `pith.metal.machine` under CPython."""

    def __init__(self, core: Core, bus: Bus, plic: Plic, around: Surroundings, symbol: Callable[[str], int]):
        self.core = core
        self.bus = bus
        self.plic = plic
        self.around = around
        self.symbol = symbol
        self.deadline = NEVER  # in ticks
        self.registers = {"sstatus": 0, "sie": 0, "satp": 0, "stvec": 0, "sscratch": 0, "sepc": 0}
        self.registers |= {"scause": 0, "stval": 0, "scounteren": 7, "senvcfg": 0}

    # Time and interrupts ------------------------------------------------------------------------------

    @property
    def ticks(self) -> int:
        return self.core.counters.count // board.INSTRUCTIONS_PER_TICK

    def charge(self, instructions: int) -> None:
        """Let time pass."""
        self.core.counters.count += instructions

    def pending(self) -> int:
        """The register sip."""
        timer = self.ticks >= self.deadline
        return timer << SUPERVISOR_TIMER | (self.plic.best() != 0) << SUPERVISOR_EXTERNAL

    def interrupt(self) -> int | None:
        """The cause of the interrupt to take now, if any; a device's before the timer's, as the hardware has it."""
        wanted = self.pending() & self.registers["sie"]
        if wanted >> SUPERVISOR_EXTERNAL & 1:
            return INTERRUPT | SUPERVISOR_EXTERNAL
        return INTERRUPT | SUPERVISOR_TIMER if wanted >> SUPERVISOR_TIMER & 1 else None

    def instructions_to_deadline(self) -> int | None:
        """How many instructions from now the timer will interrupt; None when never."""
        deadline = self.deadline * board.INSTRUCTIONS_PER_TICK
        if deadline > NEVER or not self.registers["sie"] >> SUPERVISOR_TIMER & 1:
            return None
        return max(0, deadline - self.core.counters.count)

    def wait_for_interrupt(self) -> None:
        if self.interrupt() is None:
            self.around.sleep()
        self.charge(KERNEL_ENTRY)  # waking is an entry too

    # Control registers ----------------------------------------------------------------------------------

    def csr_read(self, name: str) -> int:
        match name:
            case "time":
                return self.ticks
            case "cycle" | "instret":
                return self.core.counters.count
            case "sip":
                self.charge(PENDING_CHECK)
                return self.pending()
            case "stimecmp":
                return self.deadline
            case "fcsr":
                return self.core.float_control()
            case "sstatus":
                return self.registers[name] & ~FLOAT_STATE | self.core.float_state() << FLOAT_SHIFT
        return self.registers[name]

    def csr_write(self, name: str, value: int) -> None:
        value &= MASK64
        match name:
            case "stimecmp":
                self.deadline = value
            case "sip":
                pass  # what is pending there is the timer's and the devices' own
            case "satp":
                self.core.set_root(value)
                self.registers[name] = value
            case "sstatus":
                self.core.set_float_state(value >> FLOAT_SHIFT & 3)
                self.registers[name] = value
            case _ if name in self.registers:
                self.registers[name] = value
            case _:
                raise KeyError(f"the hosted processor has no control register {name}")

    # Firmware -------------------------------------------------------------------------------------------

    def sbi_call(
        self, extension: int, function: int, argument0: int, argument1: int, argument2: int
    ) -> tuple[int, int]:
        match extension:
            case Firmware.BASE if function == PROBE:
                return NO_ERROR, int(argument0 in set(Firmware))
            case Firmware.BASE:
                return NO_ERROR, VERSION if function == GET_VERSION else 0
            case Firmware.SET_TIMER | Firmware.OLD_SET_TIMER:
                self.deadline = argument0
            case Firmware.OLD_PUT:
                if argument0 & 0xFF == NEWLINE:
                    self.around.write_console(CARRIAGE_RETURN)  # as OpenSBI does
                self.around.write_console(argument0 & 0xFF)
            case Firmware.OLD_GET:
                byte = self.around.read_console()
                return (NOTHING_READ if byte is None else byte), 0
            case Firmware.SYSTEM_RESET | Firmware.OLD_SHUTDOWN:
                self.around.end(0)  # whatever the reason, as on QEMU: only the test device gives a status
            case _:
                return NOT_SUPPORTED, 0
        return NO_ERROR, 0

    # Devices and memory -----------------------------------------------------------------------------------

    def device_load(self, address: int, size: int) -> int:
        return self.bus.load(address - board.WINDOW_OFFSET, size)

    def device_store(self, address: int, size: int, value: int) -> None:
        self.bus.store(address - board.WINDOW_OFFSET, size, value)

    def translation_fence(self, address: int | None, asid: int | None) -> None:
        self.core.translations_stale = True

    def instruction_fence(self) -> None:
        self.core.code_stale = True

    def end_reservation(self) -> None:
        self.core.end_reservation()

    def save_float(self, address: int) -> None:
        self.core.save_float(self._offset(address))

    def restore_float(self, address: int) -> None:
        self.core.restore_float(self._offset(address))

    def _offset(self, address: int) -> int:
        return address - board.WINDOW_OFFSET - board.MEMORY_BASE

    def system_call(self, registers: tuple[int, ...]) -> tuple[int, ...]:
        raise RuntimeError("a system call from inside the kernel")
