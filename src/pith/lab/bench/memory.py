"""The memory that a kernel takes, and that its paths touch: a run of `pith bench memory`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from pith.lab.inspect.dump import STATICS
from pith.machine.board import MEMORY_BASE
from pith.machine.qemu import QemuMachine

from .footprint import Footprint, footprint
from .kernel_bytes import Kind, sections
from .kernels import Kernel
from .log import AtEnd, record
from .owners import Owners, of_image, of_objects
from .rows import Row
from .symbols import Symbols

DUMPED: Final = 128 << 20  # bytes of memory of a machine whose memory is looked through afterwards


class MemoryReport(NamedTuple):
    """One kernel's: bytes of its ELF in memory, and what each row's path touches."""

    kernel: str
    bytes: dict[Kind, int]
    paths: tuple[Footprint, ...]


def measure_memory(
    kernel: Kernel, rows: tuple[Row, ...], on_row: Callable[[str], None] | None = None
) -> MemoryReport:
    """Trace each row with all registers, and name what it touched; `on_row` hears of every row as it is done."""
    symbols = Symbols(kernel.elf)
    is_known = STATICS.keys() <= symbols.names.keys()  # it is Pith's, so its objects can be read
    paths = []
    for row in rows:
        with tempfile.TemporaryDirectory(prefix="pith-bench-") as directory:
            dump = Path(directory, "memory")
            if is_known:
                trace = record(kernel, row, registers=True, at_end=save(dump), memory=DUMPED)
            else:
                trace = record(kernel, row, registers=True)
            objects = of_objects(dump, kernel.elf) if is_known else ()
            paths.append(footprint(trace, symbols, Owners([*of_image(kernel.elf), *objects])))
        if on_row:
            on_row(row.name)
    return MemoryReport(kernel.name, sections(kernel.elf), tuple(paths))


def save(dump: Path) -> AtEnd:
    """What writes a machine's memory to a file."""

    def at_end(machine: QemuMachine) -> None:
        dump.write_bytes(machine.read_memory(MEMORY_BASE, machine.memory_size))

    return at_end
