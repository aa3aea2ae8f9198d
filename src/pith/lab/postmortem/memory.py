"""The kernel's threads, and what their programs see: read from a machine that stands still.

Nothing is attached and nothing is copied whole: a few structs are read at the offsets that the kernel's layout gives, and the
threads are found where capabilities to them are, from the initial thread's CNode on. That works on any machine that can
show its memory, while `pith inspect` needs all of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from pith.abi.bootinfo import RootSlot
from pith.kernel.objects import (
    CNodeCap,
    FaultKind,
    PageTableCap,
    Register,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
)
from pith.kernel.riscv64.window import WINDOW_BASE
from pith.kernel.state import KernelState
from pith.machine import Machine
from pith.machine.board import MEMORY_BASE
from pith.machine.translation import EXECUTE, LEVELS, READ, ROOT_MASK, VALID, WRITE
from pith.metal import Packed, Struct, size_of

PAGE: Final = 4096
SLOT_BYTES: Final = size_of(Slot)
MASK64: Final = (1 << 64) - 1


class Unreadable(Exception):
    """The kernel's objects lead to where there is no memory: it was stopped in the middle of a change, or is broken."""


class Page(NamedTuple):
    """Where a page of a program's is, and what may be done with it: bits of the page table's entry."""

    physical: int
    rights: int


class ThreadView(NamedTuple):
    """What a thread was when the machine stopped."""

    name: str
    state: int
    fault: int
    words: tuple[int, ...]  # of the fault; see FaultKind
    registers: tuple[int, ...]  # see Register
    root: int  # physical, of its page table; 0 if it has no address space

    @property
    def pc(self) -> int:
        return self.registers[Register.FAULT_PC]

    @property
    def sp(self) -> int:
        return self.registers[Register.SP]


class Memory:
    """A machine's memory, with the layout of Pith's kernel in mind. The machine stands still."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.pages: dict[int, bytes] = {}

    def read(self, physical: int, length: int) -> bytes:
        """Bytes of physical memory; what was read once is kept. Raises Unreadable where there is none, UserError when the machine has gone."""
        if not self.contains(physical, length):
            raise Unreadable(f"{physical:#x}")
        found = b""
        for page in range(physical // PAGE * PAGE, physical + length, PAGE):
            if page not in self.pages:
                self.pages[page] = self.machine.read_memory(page, PAGE)
            found += self.pages[page]
        return found[physical % PAGE :][:length]

    def word(self, physical: int) -> int:
        return int.from_bytes(self.read(physical, 8), "little")

    # The kernel's objects -------------------------------------------------------------------------------

    def has_started(self) -> bool:
        return bool(self.machine.kernel_state and self._state("idle"))

    def idles(self) -> bool:
        """Whether no thread runs."""
        return self._state("current") == self._state("idle")

    def current(self) -> ThreadView | None:
        """The thread that runs; None while the kernel idles."""
        return None if self.idles() else self.thread(self._state("current"))

    def _state(self, name: str) -> int:
        return self.word(self.machine.kernel_state + _offset(KernelState, name))

    def threads(self) -> Iterator[ThreadView]:
        """Every thread that a capability in the initial thread's CNode, or in a CNode below it, leads to."""
        root = self._cap(self.machine.kernel_state + _offset(KernelState, "root"))
        own = self._cap(_physical(_object(CNodeCap, "cnode", root)) + RootSlot.TCB * SLOT_BYTES)
        initial = _object(ThreadCap, "thread", own) if own & 31 == ThreadCap.__tag__ else 0
        waiting, seen = [root], set[int]()
        while waiting:
            bits = waiting.pop()
            tag = bits & 31
            if tag == CNodeCap.__tag__ and (address := _object(CNodeCap, "cnode", bits)) not in seen:
                seen.add(address)
                size = SLOT_BYTES << _field(CNodeCap, "radix", bits)
                if not self.contains(_physical(address), size):
                    raise Unreadable(f"{address:#x}")
                content = self.machine.read_memory(_physical(address), size)
                waiting += [low | high << 64 for low, high, _, _ in struct.iter_unpack("<4Q", content)]
            elif tag == ThreadCap.__tag__ and (address := _object(ThreadCap, "thread", bits)) not in seen:
                seen.add(address)
                thread = self.thread(address)
                yield thread._replace(name=thread.name or "initial") if address == initial else thread

    def thread(self, address: int) -> ThreadView:
        """The thread at an address in the kernel's window."""
        raw = self.read(_physical(address), size_of(Thread))

        def words(name: str, count: int) -> tuple[int, ...]:
            return struct.unpack_from(f"<{count}Q", raw, _offset(Thread, name))

        space = _offset(Thread, "slots") + ThreadSlot.VSPACE * SLOT_BYTES
        bits = int.from_bytes(raw[space : space + 16], "little")
        has_space = bits & 31 == PageTableCap.__tag__
        name = raw[_offset(Thread, "name") :][:32].split(b"\0")[0].decode(errors="replace")
        return ThreadView(
            name=name if name.isprintable() else "",
            state=raw[_offset(Thread, "state")],
            fault=raw[_offset(Thread, "fault_kind")],
            words=words("fault_words", 3),
            registers=words("registers", len(Register)),
            root=_physical(_object(PageTableCap, "table", bits)) if has_space else 0,
        )

    def _cap(self, physical: int) -> int:
        return int.from_bytes(self.read(physical, 16), "little")

    # A program's memory ---------------------------------------------------------------------------------

    def page_of(self, root: int, address: int) -> Page | None:
        """Where the tables at `root` map the page of a virtual address; None if nowhere."""
        table = root
        for shift in LEVELS:
            entry = self.word(table + 8 * (address >> shift & 511))
            if not root or not entry & VALID or address >> 38:
                return None
            table = (entry >> 10 & ROOT_MASK) << 12
            if entry & (READ | WRITE | EXECUTE):
                return Page(table | address & (1 << shift) - PAGE, entry)
        return None

    def read_program(self, root: int, address: int, length: int) -> bytes:
        """Bytes as a program sees them: as many as are mapped in one piece."""
        found = b""
        while len(found) < length:
            at = address + len(found)
            page = self.page_of(root, at)
            if page is None or not self.contains(page.physical, PAGE):
                break
            found += self.read(page.physical + at % PAGE, min(length - len(found), PAGE - at % PAGE))
        return found

    def contains(self, physical: int, length: int) -> bool:
        """Whether all of it is memory."""
        return physical >= MEMORY_BASE and physical + length <= MEMORY_BASE + self.machine.memory_size


def stands_in_fault(thread: ThreadView) -> bool:
    """Whether it stopped at a fault, for good: nobody was there to be told."""
    return thread.state == ThreadState.INACTIVE and thread.fault != FaultKind.NONE


def waits_to_tell(thread: ThreadView) -> bool:
    """Whether it stopped at a fault, and its handler has not taken the message yet."""
    return thread.state == ThreadState.BLOCKED_ON_SEND and thread.fault != FaultKind.NONE


def _offset(kind: type[Struct], name: str) -> int:
    return kind.layout().fields[name].offset


def _field(kind: type[Packed], name: str, bits: int) -> int:
    field = kind.layout()[name]
    return bits >> field.at & (1 << field.width) - 1


def _object(kind: type[Packed], name: str, bits: int) -> int:
    """The address in a capability: its low 40 bits, sign-extended."""
    return _field(kind, name, bits) | MASK64 << 40 & MASK64


def _physical(address: int) -> int:
    return address - WINDOW_BASE
