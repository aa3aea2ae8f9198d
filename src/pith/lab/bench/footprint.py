"""What a path through the kernel touches: cache lines of its code, and of the data that it loads and stores.

A line is 64 bytes. Code and data are counted apart, as the processor has a cache for each; the kernel's only, for what the
program touches is its own affair, and the firmware's cannot be told without its ELF file.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from pith.machine.board import MEMORY_BASE
from pith.machine.instructions import length

from .accesses import Access, accesses
from .log import Privilege, Trace
from .owners import Owners, physical
from .profile import CACHE_LINE_BITS, short
from .symbols import Symbols

LIEDTKE_CODE, LIEDTKE_DATA = 14, 8  # of his kernel, each way, on a processor with eight registers
UNNAMED, DEVICE = "an object", "a device"


class CacheLine(NamedTuple):
    """A line that was touched: its physical address, what stands there, and how often it was loaded or stored."""

    address: int
    contents: tuple[str, ...]
    loads: int = 0
    stores: int = 0


class Footprint(NamedTuple):
    """A row's instructions in the kernel, and the lines that they touched, by address."""

    name: str
    instructions: int
    in_firmware: int
    code: tuple[CacheLine, ...]
    data: tuple[CacheLine, ...]


def footprint(trace: Trace, kernel: Symbols, owners: Owners) -> Footprint:
    """What a trace with registers touched."""
    steps = [step for step in trace.steps if step.privilege is Privilege.KERNEL]
    touched = list(accesses(trace.steps, kernel, Privilege.KERNEL))
    return Footprint(
        trace.row.name,
        len(trace.steps),
        sum(step.privilege is Privilege.FIRMWARE for step in trace.steps),
        code_lines({step.address for step in steps}, kernel),
        data_lines(touched, owners),
    )


def code_lines(addresses: Iterable[int], kernel: Symbols) -> tuple[CacheLine, ...]:
    """The lines that these instructions stand in: two for one that lies across their border."""
    functions: dict[int, dict[str, None]] = {}
    frames = cache(kernel.frames)
    for address in sorted(addresses):
        last = address + length(kernel.instruction(address)) - 1
        for line in {address >> CACHE_LINE_BITS, last >> CACHE_LINE_BITS}:
            functions.setdefault(line, {})[short(frames(address)[0])] = None
    return tuple(CacheLine(physical(_start(line)), tuple(functions[line])) for line in sorted(functions))


def data_lines(touched: Iterable[Access], owners: Owners) -> tuple[CacheLine, ...]:
    """The lines that these accesses fall into; no access crosses a line, for it is aligned."""
    lines: dict[int, list[Access]] = {}
    for access in touched:
        lines.setdefault(physical(access.address) >> CACHE_LINE_BITS, []).append(access)
    return tuple(_data_line(_start(line), lines[line], owners) for line in sorted(lines))


def _data_line(start: int, touched: list[Access], owners: Owners) -> CacheLine:
    parts: dict[str, dict[str, None]] = {}  # what stands there, and its fields, in order of address
    for address in sorted({physical(access.address) for access in touched}):
        owner = owners.at(address)
        fields = parts.setdefault(owner.name if owner else unnamed(address), {})
        if owner and (field := owner.part(address)):
            fields[field] = None
    contents = tuple(f"{name}: {', '.join(fields)}" if fields else name for name, fields in parts.items())
    stores = sum(access.is_store for access in touched)
    return CacheLine(start, contents, len(touched) - stores, stores)


def unnamed(address: int) -> str:
    """What stands where nothing is known to stand."""
    return UNNAMED if address >= MEMORY_BASE else DEVICE


def _start(line: int) -> int:
    return line << CACHE_LINE_BITS
