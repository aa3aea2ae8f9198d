"""The cases on the hosted machine's processor, without a kernel."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from typing import Final

from pith.machine.board import MEMORY_BASE
from pith.machine.bus import Bus
from pith.machine.core import Core
from pith.machine.peripherals import EmptyVirtioSlot, RealTimeClock, TestDevice
from pith.machine.uart import Uart

from . import cases
from .cases import BREAKPOINT, CODE_PAGES, FCSR, RECORD, WINDOW, Case, Outcome

MEMORY: Final = 16 << 20
CONTEXT: Final = cases.RECORDS - MEMORY_BASE
LONGEST: Final = 20  # instructions
FLOATS: Final = CONTEXT + 0x1000


def outcomes(tried: Iterable[Case]) -> Iterator[tuple[Case, Outcome | None]]:
    """Each case with what it leaves; None where it never ends: a jump to itself."""
    memory = mmap.mmap(-1, MEMORY)
    start = cases.ROOT - MEMORY_BASE
    content = cases.memory()
    memory[start : start + len(content)] = content
    core = Core(memory, _bus())
    core.set_root(cases.SATP)
    core.enable_float(True)
    for case in tried:
        yield case, _outcome(core, case)


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
    at = CODE_PAGES + case.pc - cases.CODE - MEMORY_BASE
    core.bytes[at : at + 4] = record[cases.INSTRUCTION].to_bytes(4, "little")
    core.code_stale = True
    first, second = (cases.FIRST_DATA - MEMORY_BASE + 0xFE0) // 8, (cases.SECOND_DATA - MEMORY_BASE) // 8
    for n in range(4):
        words[first + n], words[second + n] = record[WINDOW + n], record[WINDOW + 4 + n]
    for n in range(33):
        words[FLOATS // 8 + n] = record[cases.F + n]
    core.restore_float(FLOATS)
    for n in range(31):
        words[CONTEXT // 8 + n] = record[cases.X + 1 + n]
    words[CONTEXT // 8 + 31] = case.pc
    trap, last = None, core.counters.count + LONGEST
    while trap is None and core.counters.count < last:
        trap = core.run(CONTEXT, last)
    core.bytes[at : at + 4] = BREAKPOINT.to_bytes(2, "little") * 2
    if trap is None:
        return None
    core.save_float(FLOATS)
    record[cases.CAUSE], record[cases.VALUE] = trap
    record[cases.WENT] = words[CONTEXT // 8 + 31]
    record[cases.X + 1 : cases.X + 32] = words[CONTEXT // 8 : CONTEXT // 8 + 31]
    record[cases.F : FCSR + 1] = words[FLOATS // 8 : FLOATS // 8 + 33]
    record[WINDOW:] = [*words[first : first + 4], *words[second : second + 4]]
    return Outcome.of(case, tuple(record))
