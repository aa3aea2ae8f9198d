"""The cases on the hosted machine's processor, without a kernel."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from pith.machine.board import MEMORY_BASE
from pith.machine.bus import Bus
from pith.machine.core import Core, Trap
from pith.machine.peripherals import EmptyVirtioSlot, RealTimeClock, TestDevice
from pith.machine.uart import Uart

from . import cases
from .cases import BREAKPOINT, CODE_PAGES, FCSR, RECORD, WINDOW, Case, Outcome

MEMORY: Final = 16 << 20
CONTEXT: Final = cases.RECORDS - MEMORY_BASE
DIRTY: Final = 3  # the state of floating point
LONGEST: Final = 20  # instructions
FLOATS: Final = CONTEXT + 0x1000


def outcomes(tried: Iterable[Case]) -> Iterator[tuple[Case, Outcome | None]]:
    """Each case with what it leaves; None where it never ends: a jump to itself."""
    processor = core()
    for case in tried:
        yield case, _outcome(processor, case)


def core() -> Core:
    """A processor whose program sees memory and devices as `cases` says; floating point is on."""
    memory = mmap.mmap(-1, MEMORY)
    start = cases.ROOT - MEMORY_BASE
    content = cases.memory()
    memory[start : start + len(content)] = content
    made = Core(memory, _bus())
    made.set_root(cases.SATP)
    made.set_float_state(DIRTY)
    return made


def place(core: Core, offset: int, code: bytes) -> None:
    """Put code into the code pages."""
    at = CODE_PAGES + offset - MEMORY_BASE
    core.bytes[at : at + len(code)] = code
    core.code_stale = True


def run(core: Core, case: Case, instructions: int) -> tuple[Trap | None, int]:
    """Run so many instructions in a case's registers: the trap, if one came first, and the program counter."""
    core.words[CONTEXT // 8 : CONTEXT // 8 + 32] = (
        memoryview(struct.pack("<32Q", *case.x, case.pc)).cast("B").cast("Q")
    )
    trap = core.run(CONTEXT, core.counters.count + instructions)
    return trap, core.words[CONTEXT // 8 + 31]


def _bus() -> Bus:
    bus, uart = Bus(), Uart(lambda byte: None, lambda up: None)
    uart.store(2, 1, 1)  # what QEMU's firmware has done: buffers on ...
    uart.store(3, 1, 3)  # ... and eight bits in a byte
    devices = (uart, TestDevice(lambda status: None), RealTimeClock(lambda: 0), EmptyVirtioSlot())
    for region, device in zip(cases.DEVICES.values(), devices, strict=True):
        bus.attach(region.base, device)
    return bus


def _outcome(core: Core, case: Case) -> Outcome | None:
    words = core.words
    record = list(RECORD.unpack(case.record()))
    place(core, case.pc - cases.CODE, record[cases.INSTRUCTION].to_bytes(4, "little"))
    first, second = (cases.FIRST_DATA - MEMORY_BASE + 0xFE0) // 8, (cases.SECOND_DATA - MEMORY_BASE) // 8
    for n in range(4):
        words[first + n], words[second + n] = record[WINDOW + n], record[WINDOW + 4 + n]
    for n in range(33):
        words[FLOATS // 8 + n] = record[cases.F + n]
    core.restore_float(FLOATS)
    trap, last = run(core, case, LONGEST)[0], core.counters.count + LONGEST
    while trap is None and core.counters.count < last:  # it ended behind an access to a device
        trap = core.run(CONTEXT, last)
    place(core, case.pc - cases.CODE, BREAKPOINT.to_bytes(2, "little") * 2)
    if trap is None:
        return None
    core.save_float(FLOATS)
    record[cases.CAUSE], record[cases.VALUE] = trap
    record[cases.WENT] = words[CONTEXT // 8 + 31]
    record[cases.X + 1 : cases.X + 32] = words[CONTEXT // 8 : CONTEXT // 8 + 31]
    record[cases.F : FCSR + 1] = words[FLOATS // 8 : FLOATS // 8 + 33]
    record[WINDOW:] = [*words[first : first + 4], *words[second : second + 4]]
    return Outcome.of(case, tuple(record))
