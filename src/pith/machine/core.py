"""The processor's user mode: real riscv64 machine code, run by Unicorn until it traps.

Unicorn executes instructions and nothing else. Memory is the machine's; each translation comes from the kernel's page
tables; every exception, and the limit of the slice, brings control back to `run`. Unicorn reports those in several ways,
which `_trap` turns into what the hardware would say, cause and value (privileged specification, 10.1.8 and 10.1.9):

    number of an exception     environment call, illegal instruction, misaligned access; the program counter is 4 too far
    "invalid instruction"      a breakpoint
    "exception", a miss noted  page faults: our own callback found no translation
    "unmapped", "protected"    access faults: a translation leads to where nothing is

A thread's registers are read and written in place, in the machine's memory: x1..x31, then the program counter.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final, NamedTuple
from zlib import crc32

from unicorn import riscv_const as riscv
from unicorn import unicorn_const as unicorn
from unicorn.unicorn_py3 import unicorn as binding
from unicorn.unicorn_py3.unicorn import uclib

from . import board, instructions, translation
from .bus import Bus
from .hooks import COUNTER_READ, NO_EXCEPTION, NOWHERE, CounterReader, Counters, Walk, function_addresses
from .reservation import Reservation

PAGE_BYTES: Final = 4096
PAGE_MASK: Final = PAGE_BYTES - 1
CONTEXT_WORDS: Final = 32
MACHINE_MODE, USER_MODE = 3, 0
FLOAT_SHIFT: Final = 13  # of the field FS in mstatus
FLOAT_DIRTY: Final = 3

UNVERIFIED: Final = (1 << 64) - 1  # no generation

ECALL_FROM_USER: Final = 8
ILLEGAL_INSTRUCTION, BREAKPOINT = 2, 3
LOAD_MISALIGNED, STORE_MISALIGNED = 4, 6
PAGE_FAULTS: Final = {unicorn.UC_MEM_FETCH: 12, unicorn.UC_MEM_READ: 13, unicorn.UC_MEM_WRITE: 15}
ACCESS_FAULTS: Final = {
    unicorn.UC_ERR_FETCH_UNMAPPED: 1,
    unicorn.UC_ERR_FETCH_PROT: 1,
    unicorn.UC_ERR_READ_UNMAPPED: 5,
    unicorn.UC_ERR_READ_PROT: 5,
    unicorn.UC_ERR_WRITE_UNMAPPED: 7,
    unicorn.UC_ERR_WRITE_PROT: 7,
}
NEEDED: Final = {
    unicorn.UC_MEM_FETCH: translation.EXECUTE,
    unicorn.UC_MEM_READ: translation.READ,
    unicorn.UC_MEM_WRITE: translation.WRITE,
}
FILL_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_bool, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p
)


class Trap(NamedTuple):
    """Why user code stopped: what scause and stval would hold."""

    cause: int
    value: int


class TranslationEntry(ctypes.Structure):
    """Unicorn's `uc_tlb_entry`."""

    physical: int
    permissions: int
    _fields_ = (("physical", ctypes.c_uint64), ("permissions", ctypes.c_uint32))


class Core:
    """One core in user mode. `memory` is a writable mapping of the machine's physical memory."""

    def __init__(self, memory: Any, bus: Bus) -> None:
        self.bytes = memoryview(memory).cast("B")
        self.words = self.bytes.cast("Q")
        self.host_address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self.counters = Counters(0, 0, NO_EXCEPTION, 0, NOWHERE, 0)
        self.float_enabled = False
        self.translations_stale = True
        self.code_stale = False
        self.miss: tuple[int, int] | None = None
        self.raised: BaseException | None = None
        self.emulator: Any = binding.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        self.handle = self.emulator._uch
        self.emulator.mem_map_ptr(
            board.MEMORY_BASE, self.words.nbytes, unicorn.UC_PROT_ALL, self.host_address
        )
        self.emulator.ctl_set_tlb_mode(unicorn.UC_TLB_VIRTUAL)
        self.emulator.ctl_exits_enabled(True)  # and there are none: no address ends the run
        self._install_hooks()
        self._install_devices(bus)
        self._prepare_registers()

    def _install_hooks(self) -> None:
        functions = function_addresses(
            host_address(uclib.uc_emu_stop), host_address(uclib.uc_reg_write), riscv.UC_RISCV_REG_PC
        )
        self.fill = FILL_CALLBACK(self._fill)  # kept, as is the next: others hold only their addresses
        self.plain = (ctypes.c_uint8 * (self.words.nbytes // PAGE_BYTES))()  # pages without counter reads
        plain = ctypes.addressof(self.plain)
        self.walk = Walk(self.host_address, len(self.words), 0, plain, host_address(self.fill))
        shared = ctypes.addressof(self.counters)
        self._hook(unicorn.UC_HOOK_CODE, functions["count"], shared)
        self._hook(unicorn.UC_HOOK_INTR, functions["trap"], shared)
        self._hook(unicorn.UC_HOOK_TLB_FILL, functions["fill"], ctypes.addressof(self.walk))
        self.read_counter = functions["read_counter"]
        self.counter_readers: dict[int, CounterReader] = {}  # by virtual address
        # Checksums of pages with counter reads, by virtual address and offset.
        self.searched: dict[tuple[int, int], int] = {}

    def _hook(self, kind: int, function: int, data: int, first: int = 1, last: int = 0) -> None:
        """Have Unicorn call a function of the host, for addresses `first`..`last`; 1..0 are all."""
        hook = ctypes.c_size_t()
        where = (ctypes.c_uint64(first), ctypes.c_uint64(last))
        target, argument = ctypes.c_void_p(function), ctypes.c_void_p(data)
        status = uclib.uc_hook_add(self.handle, ctypes.byref(hook), kind, target, argument, *where)
        assert status == unicorn.UC_ERR_OK

    def _install_devices(self, bus: Bus) -> None:
        def load(emulator: Any, offset: int, size: int, base: int) -> int:
            return self._guarded(bus.load, base + offset, size)

        def store(emulator: Any, offset: int, size: int, value: int, base: int) -> None:
            self._guarded(bus.store, base + offset, size, value)

        for region, _ in bus.devices:
            size = -(-region.size // 4096) * 4096
            self.emulator.mmio_map(region.base, size, load, region.base, store, region.base)

    def _guarded(self, access: Any, *arguments: int) -> int:
        """A device access by user code. It may have raised an interrupt, so the slice ends behind it.

        An exception cannot pass through the emulator: it waits in `raised` until the emulator has stopped.
        """
        self.counters.limit = self.counters.count
        try:
            return access(*arguments) or 0
        except BaseException as problem:
            self.raised = problem
            return 0

    def _prepare_registers(self) -> None:
        general = range(riscv.UC_RISCV_REG_X1, riscv.UC_RISCV_REG_X1 + 31)
        self.general = (ctypes.c_int * CONTEXT_WORDS)(*general, riscv.UC_RISCV_REG_PC)
        floats = range(riscv.UC_RISCV_REG_F0, riscv.UC_RISCV_REG_F0 + 32)
        self.floats = (ctypes.c_int * 33)(*floats, riscv.UC_RISCV_REG_FCSR)
        self.places: dict[int, ctypes.Array[ctypes.c_void_p]] = {}
        self.reservation = Reservation(self.handle)
        self.emulator.reg_write(riscv.UC_RISCV_REG_MSTATUS, 0)
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)

    def _places(self, offset: int) -> ctypes.Array[ctypes.c_void_p]:
        """Where in the host's memory 33 words from `offset` in the machine's memory are."""
        if offset not in self.places:
            start = self.host_address + offset
            self.places[offset] = (ctypes.c_void_p * 33)(*(start + 8 * word for word in range(33)))
        return self.places[offset]

    # Running ----------------------------------------------------------------------------------------------

    def run(self, context: int, limit: int) -> Trap | None:
        """Run the thread whose registers lie at offset `context` of memory, up to `limit` instructions since power-on.

        Returns the trap, or None when the limit came first, or something that may have changed how far to run. The registers in memory are then the thread's again, the
        program counter that of the instruction that trapped, or of the next one.
        """
        self._synchronise()
        places = self._places(context)
        uclib.uc_reg_write_batch(self.handle, self.general, places, CONTEXT_WORDS - 1)
        self.counters.limit, self.counters.exception, self.counters.is_at_limit = limit, NO_EXCEPTION, 0
        self.miss = None
        start = self.words[(context >> 3) + 31]
        status = uclib.uc_emu_start(self.handle, start, 0, 0, 0)
        uclib.uc_reg_read_batch(self.handle, self.general, places, CONTEXT_WORDS)
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised
        if self.counters.exception == ECALL_FROM_USER:  # by far the most frequent
            self.words[(context >> 3) + 31] -= 4
            return Trap(ECALL_FROM_USER, 0)
        if status == unicorn.UC_ERR_OK and self.counters.exception == NO_EXCEPTION:
            return None
        return self._trap(context >> 3, status)

    def _synchronise(self) -> None:
        """Forget what the kernel has fenced since user code last ran."""
        if self.code_stale:
            self.emulator.ctl_flush_tb()
            ctypes.memset(self.plain, 0, ctypes.sizeof(self.plain))
            self.code_stale = False
        if self.translations_stale:
            self.emulator.ctl(unicorn.UC_CTL_TLB_FLUSH, unicorn.UC_CTL_IO_WRITE)
            self.counters.generation += 1
            self.translations_stale = False

    def set_root(self, satp: int) -> None:
        """User code sees the address space that `satp` names."""
        root = translation.root_of(satp)
        if root != self.walk.root:
            self.walk.root, self.translations_stale = root, True

    # Traps ------------------------------------------------------------------------------------------------

    def _fill(self, emulator: int, address: int, access: int, entry: int, data: int) -> bool:
        """The translation of a page that Unicorn has not seen since the last fence, where `fill` does not give it.

        As there, only what was asked for is allowed, and reading: so each first write, and each first fetch, is seen.
        """
        try:
            found = translation.translate(self.words, self.walk.root, address)
            if found is None or not found.flags & translation.USER or not found.flags & NEEDED[access]:
                self.miss = (access, address)
                return False
            if access == unicorn.UC_MEM_FETCH:
                self._watch_counter_readers(address, found.physical - board.MEMORY_BASE)
            # Sv39's bits read, write, execute are Unicorn's, one place higher.
            result = TranslationEntry.from_address(entry)
            result.physical = found.physical
            result.permissions = (NEEDED[access] | found.flags & translation.READ) >> 1
            return True
        except BaseException as problem:
            self.raised = problem
            return False

    def _watch_counter_readers(self, address: int, offset: int) -> None:
        """Code is about to run from a page: stop at its instructions that read a counter."""
        if not 0 <= offset < self.words.nbytes:
            return
        page = self.bytes[offset : offset + PAGE_MASK + 1]
        checksum = crc32(page)  # twenty times as fast as to search
        if self.searched.get((address, offset)) == checksum:
            return
        starts = instructions.find_counter_reads(page)
        if not starts:
            self.plain[offset // PAGE_BYTES] = True  # until somebody may write to it
            return
        self.searched[address, offset] = checksum
        for start in starts:
            if address + start not in self.counter_readers:
                self._watch(address + start)

    def _watch(self, address: int) -> None:
        reader = CounterReader(ctypes.addressof(self.counters), UNVERIFIED, 1, 0, 0, 0)
        self.counter_readers[address] = reader
        self._hook(unicorn.UC_HOOK_CODE, self.read_counter, ctypes.addressof(reader), address, address)

    def _trap(self, registers: int, status: int) -> Trap | None:
        """The trap behind an exception's number or an error of Unicorn's; None when the instruction was emulated."""
        counter = registers + 31
        if self.counters.exception == COUNTER_READ:
            self._read_counter(registers)
            return None
        if self.counters.exception != NO_EXCEPTION:
            self.words[counter] -= 4
            instruction = self.instruction_at(self.words[counter])
            if self.counters.exception == ILLEGAL_INSTRUCTION:
                return self._illegal(registers, instruction)
            is_store = instructions.is_atomic_write(instruction)
            value = instructions.accessed_address(instruction, self.words[registers:counter])
            return Trap(STORE_MISALIGNED if is_store else int(self.counters.exception), value)
        address = self.words[counter]
        instruction = self.instruction_at(address)
        if status in ACCESS_FAULTS:
            return self._fault(ACCESS_FAULTS[status], instruction, registers, None)
        if instructions.is_breakpoint(instruction):
            return Trap(BREAKPOINT, address)
        if self.miss is None:
            return self._illegal(registers, instruction)
        access, page = self.miss
        if access == unicorn.UC_MEM_FETCH and page < address & ~PAGE_MASK:
            # At a page's start, Unicorn looks back from some illegal instructions for a debugger's marks.
            return self._illegal(registers, instruction)
        return self._fault(PAGE_FAULTS[access], instruction, registers, page)

    def _illegal(self, registers: int, instruction: int) -> Trap | None:
        if instructions.counter_read(instruction) is not None:
            self._read_counter(registers)
            return None
        return Trap(ILLEGAL_INSTRUCTION, instruction)

    def _read_counter(self, registers: int) -> None:
        """Emulate an instruction that reads a counter; if another one stands there now, let it run."""
        counter = registers + 31
        address = self.words[counter]
        read = instructions.counter_read(self.instruction_at(address))
        if read is None:
            self.counters.passed = address
            self.counters.count -= 1  # it will be counted again
            return
        divisor = board.INSTRUCTIONS_PER_TICK if read.counter == instructions.TIME else 1
        if read.register:
            self.words[registers + read.register - 1] = self.counters.count // divisor
        self.words[counter] += 4
        reader = self.counter_readers.get(address)
        if reader is not None and read.register:  # the next time, until a fence, it need not come to us
            reader.register, reader.divisor = riscv.UC_RISCV_REG_X0 + read.register, divisor
            reader.generation = self.counters.generation

    def _fault(self, cause: int, instruction: int, registers: int, page: int | None) -> Trap:
        """A page fault (`page` is the one that was missed) or access fault."""
        counter = self.words[registers + 31]
        if cause in (1, 12):
            address = counter
        else:
            address = instructions.accessed_address(instruction, self.words[registers : registers + 31])
            if cause in (5, 13) and instructions.is_atomic_write(instruction):
                cause += 2
        # An access across a page's end faults at the first byte that it could not reach.
        return Trap(cause, address if page is None or address & ~PAGE_MASK == page else page)

    def instruction_at(self, address: int) -> int:
        """The instruction at a virtual address; its second half 0 when that cannot be fetched."""
        return self._half_word(address) | self._half_word(address + 2) << 16

    def _half_word(self, address: int) -> int:
        found = translation.translate(self.words, self.walk.root, address)
        if found is None or not found.flags & translation.EXECUTE:
            return 0
        offset = found.physical + (address & PAGE_MASK) - board.MEMORY_BASE
        if not 0 <= offset < self.words.nbytes:
            return 0
        return self.words[offset >> 3] >> (offset & 6) * 8 & 0xFFFF

    # Reservations -----------------------------------------------------------------------------------------

    def end_reservation(self) -> None:
        """Let the next `sc` of user code fail, unless it has an `lr` before it."""
        self.reservation.end(self.handle)

    # Floating point ---------------------------------------------------------------------------------------

    def enable_float(self, enabled: bool) -> None:
        """Whether user code may use the floating-point registers; otherwise they are illegal instructions."""
        if enabled != self.float_enabled:
            self.float_enabled = enabled
            self._set_status(FLOAT_DIRTY if enabled else 0)
            self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)

    def _set_status(self, float_state: int) -> None:
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, MACHINE_MODE)
        self.emulator.reg_write(riscv.UC_RISCV_REG_MSTATUS, float_state << FLOAT_SHIFT)

    def save_float(self, offset: int) -> None:
        """Write f0..f31 and fcsr as 33 words at `offset` in memory."""
        self._move_float(uclib.uc_reg_read_batch, offset)

    def restore_float(self, offset: int) -> None:
        """Read them back."""
        self._move_float(uclib.uc_reg_write_batch, offset)

    def _move_float(self, move: Any, offset: int) -> None:
        self._set_status(FLOAT_DIRTY)
        move(self.handle, self.floats, self._places(offset), 33)
        self._set_status(FLOAT_DIRTY if self.float_enabled else 0)
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)


def host_address(function: Any) -> int:
    """Where a function of the host is."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0
