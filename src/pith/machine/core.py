"""The processor's user mode: real riscv64 machine code, run by Unicorn until it traps.

Unicorn executes instructions and nothing else. Memory is the machine's; each translation comes from the kernel's page
tables; every exception, and the limit of the slice, brings control back to `run`. Unicorn reports those in several ways,
which `_trap` turns into what the hardware would say, cause and value (privileged specification, 10.1.8 and 10.1.9):

    number of an exception     environment call, illegal instruction, misaligned access; the program counter is 4 too far
    "invalid instruction"      a breakpoint
    "exception", a miss noted  page faults: our own callback found no translation
    "unmapped", "protected"    a translation leads to where no memory is: to a device, or to an access fault
    ASKED                      by our own hook: an instruction that Unicorn gets wrong

Instructions of the last two kinds are done here. A fault in the middle of what Unicorn translates in one piece is reported
before the piece has begun to run; then it is run up to the instruction that faults.

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
from .bus import Bus, NoDevice
from .hooks import ASKED, NO_EXCEPTION, NO_REGISTER, NOWHERE, Emulator, Shared, function_addresses
from .instructions import Access
from .reservation import Reservation
from .translation import Translation

PAGE_BYTES: Final = 4096
PAGE_MASK: Final = PAGE_BYTES - 1
CONTEXT_WORDS: Final = 32
MACHINE_MODE, USER_MODE = 3, 0
FLOAT_SHIFT: Final = 13  # of the field FS in mstatus
FLOAT_OFF, FLOAT_DIRTY = 0, 3

MASK64: Final = (1 << 64) - 1
BOX: Final = 0xFFFF_FFFF << 32  # above a number of single precision
NOT_A_NUMBER: Final = BOX | 0x7FC0_0000  # the canonical one

ECALL_FROM_USER: Final = 8
ILLEGAL_INSTRUCTION, BREAKPOINT = 2, 3
LOAD_MISALIGNED, STORE_MISALIGNED = 4, 6
FETCH_ACCESS_FAULT, LOAD_ACCESS_FAULT, STORE_ACCESS_FAULT = 1, 5, 7
LOAD_PAGE_FAULT, STORE_PAGE_FAULT = 13, 15
PAGE_FAULTS: Final = {unicorn.UC_MEM_FETCH: 12, unicorn.UC_MEM_READ: 13, unicorn.UC_MEM_WRITE: 15}
NO_MEMORY: Final = {
    unicorn.UC_ERR_FETCH_UNMAPPED: unicorn.UC_MEM_FETCH,
    unicorn.UC_ERR_FETCH_PROT: unicorn.UC_MEM_FETCH,
    unicorn.UC_ERR_READ_UNMAPPED: unicorn.UC_MEM_READ,
    unicorn.UC_ERR_READ_PROT: unicorn.UC_MEM_READ,
    unicorn.UC_ERR_WRITE_UNMAPPED: unicorn.UC_MEM_WRITE,
    unicorn.UC_ERR_WRITE_PROT: unicorn.UC_MEM_WRITE,
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


class Precision(NamedTuple):
    """A floating-point format, without the sign: where the exponent begins, infinity, and what keeps single numbers apart."""

    fraction: int
    infinity: int
    box: int

    @property
    def signalling(self) -> int:
        """One that is not a number."""
        return self.box | self.infinity | 1

    def is_nan(self, value: int) -> bool:
        return self._magnitude(value) > self.infinity

    def is_invalid(self, multiplicand: int, multiplier: int, addend: int) -> bool:
        """Whether infinity is multiplied with zero, and something added that is not a number."""
        factors = {self._magnitude(multiplicand), self._magnitude(multiplier)}
        return self.is_nan(addend) and factors == {0, self.infinity}

    def _magnitude(self, value: int) -> int:
        return value & (self.infinity | (1 << self.fraction) - 1)


SINGLE: Final = Precision(23, 0xFF << 23, BOX)
DOUBLE: Final = Precision(52, 0x7FF << 52, 0)


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
        self.bus = bus
        self.counters = Shared(exception=NO_EXCEPTION, passed=NOWHERE, boxed=NO_REGISTER)
        self.float_enabled = False
        self.translations_stale = True
        self.code_stale = False
        self.noted = bytearray(self.words.nbytes // PAGE_BYTES)
        self.code_sums: dict[int, int] = {}  # of each page with code, as it was when that was fetched first
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
        self._prepare_registers()

    def _install_hooks(self) -> None:
        functions = function_addresses(
            Emulator(
                host_address(uclib.uc_emu_stop),
                host_address(uclib.uc_reg_read),
                host_address(uclib.uc_reg_write),
                riscv.UC_RISCV_REG_PC,
                riscv.UC_RISCV_REG_X0,
                riscv.UC_RISCV_REG_F0,
            )
        )
        self.fill = FILL_CALLBACK(self._fill)  # kept: others hold only its address
        self.counters.memory, self.counters.words = self.host_address, len(self.words)
        self.counters.ask = host_address(self.fill)
        self.counters.noted = ctypes.addressof(ctypes.c_char.from_buffer(self.noted))
        shared = ctypes.addressof(self.counters)
        self._hook(unicorn.UC_HOOK_CODE, functions["count"], shared)
        self._hook(unicorn.UC_HOOK_INTR, functions["trap"], shared)
        self._hook(unicorn.UC_HOOK_TLB_FILL, functions["fill"], shared)

    def _hook(self, kind: int, function: int, data: int) -> None:
        """Have Unicorn call a function of the host, wherever it is: from 1 to 0 are all addresses."""
        hook = ctypes.c_size_t()
        where = (ctypes.c_uint64(1), ctypes.c_uint64(0))
        target, argument = ctypes.c_void_p(function), ctypes.c_void_p(data)
        status = uclib.uc_hook_add(self.handle, ctypes.byref(hook), kind, target, argument, *where)
        assert status == unicorn.UC_ERR_OK

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

        Returns the trap, or None when the limit came first, or something that may have changed how far to run. The
        registers in memory are then the thread's again, the program counter that of the instruction that trapped, or of the
        next one. Bit 0 of the program counter is ignored, as sepc has none.
        """
        self._synchronise()
        registers = context >> 3
        self.words[registers + 31] &= ~1
        uclib.uc_reg_write_batch(self.handle, self.general, self._places(context), CONTEXT_WORDS - 1)
        status = self._execute(registers, limit)
        if self.counters.exception == ECALL_FROM_USER:  # by far the most frequent
            self.words[registers + 31] -= 4
            return Trap(ECALL_FROM_USER, 0)
        return None if self._is_at_limit(status) else self._trap(registers, status, limit)

    def _execute(self, registers: int, limit: int) -> int:
        """Go on at the thread's program counter until something happens; write its registers, return Unicorn's status."""
        shared, words = self.counters, self.words
        shared.limit, shared.exception, self.miss = limit, NO_EXCEPTION, None
        status: int = uclib.uc_emu_start(self.handle, words[registers + 31], 0, 0, 0)
        uclib.uc_reg_read_batch(self.handle, self.general, self._places(registers << 3), CONTEXT_WORDS)
        if self.raised is not None:
            raised, self.raised = self.raised, None
            raise raised
        if shared.boxed != NO_REGISTER:
            self._box(words[registers + 31])
        return status

    def _is_at_limit(self, status: int) -> bool:
        return status == unicorn.UC_ERR_OK and self.counters.exception == NO_EXCEPTION

    def _synchronise(self) -> None:
        """Forget what has been fenced since user code last ran."""
        if self.code_stale:
            self.code_stale = False
            if self._has_code_changed():
                self.emulator.ctl_flush_tb()
                for page in self.code_sums:
                    self.noted[page] = 0
                self.code_sums.clear()
                self.translations_stale = True  # so that all code that is fetched is noted again
        if self.translations_stale:
            self.emulator.ctl(unicorn.UC_CTL_TLB_FLUSH, unicorn.UC_CTL_IO_WRITE)
            ctypes.memset(self.counters.pages, 0xFF, ctypes.sizeof(self.counters.pages))  # no page's address
            self.translations_stale = False

    def _has_code_changed(self) -> bool:
        """Whether a page is not what it was when its code was translated. To translate anew takes a hundred times as long as to look."""
        return any(self._sum(page) != sum for page, sum in self.code_sums.items())

    def _sum(self, page: int) -> int:
        return crc32(self.bytes[page * PAGE_BYTES : (page + 1) * PAGE_BYTES])

    def _note_code(self, physical: int) -> None:
        """Code on the page at this address is about to be translated."""
        page = (physical - board.MEMORY_BASE) // PAGE_BYTES
        if 0 <= page < len(self.noted) and not self.noted[page]:
            self.noted[page] = 1
            self.code_sums[page] = self._sum(page)

    def set_root(self, satp: int) -> None:
        """User code sees the address space that `satp` names."""
        root = translation.root_of(satp)
        if root != self.counters.root:
            self.counters.root, self.translations_stale = root, True

    # Traps ------------------------------------------------------------------------------------------------

    def _fill(self, emulator: int, address: int, access: int, entry: int, data: int) -> bool:
        """The translation of a page that Unicorn has not seen since the last fence, where `fill` does not give it.

        As there, only what was asked for is allowed, and reading: so each first write, and each first fetch, is seen.
        """
        try:
            found = self._permitted(address, access)
            if found is None:
                self.miss = (access, address)
                return False
            if access == unicorn.UC_MEM_FETCH:
                self._note_code(found.physical)
            # Sv39's bits read, write, execute are Unicorn's, one place higher.
            result = TranslationEntry.from_address(entry)
            result.physical = found.physical
            result.permissions = (NEEDED[access] | found.flags & translation.READ) >> 1
            return True
        except BaseException as problem:
            self.raised = problem
            return False

    def _permitted(self, address: int, access: int) -> Translation | None:
        """The translation of an address, if user code may access it so."""
        found = translation.translate(self.words, self.counters.root, address)
        is_permitted = found is not None and found.flags & translation.USER and found.flags & NEEDED[access]
        return found if is_permitted else None

    def _trap(self, registers: int, status: int, limit: int) -> Trap | None:
        """The trap behind an exception's number or an error of Unicorn's; None when the instruction could be done."""
        counter, exception = registers + 31, int(self.counters.exception)
        if exception == ASKED:
            return self._emulate(registers, limit)
        if exception != NO_EXCEPTION:
            self.words[counter] -= 4
        address = self.words[counter]
        instruction = self.instruction_at(address)
        if exception in (LOAD_MISALIGNED, STORE_MISALIGNED):
            return self._data_fault(registers, instruction, LOAD_MISALIGNED, STORE_MISALIGNED)
        if exception != NO_EXCEPTION:
            return Trap(exception, instruction if exception == ILLEGAL_INSTRUCTION else 0)
        if status in NO_MEMORY:
            if NO_MEMORY[status] == unicorn.UC_MEM_FETCH:
                return self._fetch_fault(
                    registers, FETCH_ACCESS_FAULT, self._page_without_memory(address), limit
                )
            return self._access_device(registers, instruction)
        if instructions.is_breakpoint(instruction):
            return Trap(BREAKPOINT, address)
        if self.miss is None:
            return Trap(ILLEGAL_INSTRUCTION, instruction)
        access, page = self.miss
        if access != unicorn.UC_MEM_FETCH:
            return self._data_fault(registers, instruction, LOAD_PAGE_FAULT, STORE_PAGE_FAULT, page)
        if page < address & ~PAGE_MASK:
            # At a page's start, Unicorn looks back from some illegal instructions for a debugger's marks.
            return Trap(ILLEGAL_INSTRUCTION, instruction)
        return self._fetch_fault(registers, PAGE_FAULTS[access], page, limit)

    def _data_fault(
        self, registers: int, instruction: int, load: int, store: int, page: int | None = None
    ) -> Trap:
        """A fault of a load or a store; `page` is the one that was missed, where there is one."""
        access = instructions.access(instruction)
        if access is None:  # the code was changed without a fence
            return Trap(load, page or 0)
        address = access.address(self.words[registers : registers + 31])
        # An access across a page's end faults at the first byte that it could not reach.
        at = address if page is None or address & ~PAGE_MASK == page else page
        return Trap(store if access.is_write else load, at)

    def _page_without_memory(self, address: int) -> int:
        """Of the one or two pages that an instruction lies on, the first that is not memory."""
        return (address & ~PAGE_MASK) + (PAGE_BYTES if self._offset_of(address) is not None else 0)

    def _fetch_fault(self, registers: int, cause: int, page: int, limit: int) -> Trap | None:
        """Code on `page` cannot be fetched, which Unicorn found when it translated from the program counter on.

        It reads no further than the instruction that begins on one page and ends on the next. If that is a later one,
        what lies before it is run first.
        """
        counter = registers + 31
        last = page - 2
        if self.words[counter] < last and self.words[counter] >> 12 == last >> 12:
            self.emulator.ctl_flush_tb()  # what was translated with that instruction would fault again
            self.emulator.ctl_set_exits([last])
            status = self._execute(registers, limit)
            self.emulator.ctl_set_exits([])
            if not self._is_at_limit(status):
                return self._trap(registers, status, limit)
            if self.words[counter] != last or self.counters.count >= limit:
                return None
        return Trap(cause, max(page, self.words[counter]))

    def instruction_at(self, address: int) -> int:
        """The instruction at a virtual address; what cannot be fetched of it is 0."""
        low = self._half_word(address)
        return low if low & 3 != 3 else low | self._half_word(address + 2) << 16

    def _half_word(self, address: int) -> int:
        offset = self._offset_of(address)
        return 0 if offset is None else self.words[offset >> 3] >> (offset & 6) * 8 & 0xFFFF

    def _offset_of(self, address: int) -> int | None:
        """Where in memory code at a virtual address lies; None if it lies elsewhere."""
        found = translation.translate(self.words, self.counters.root, address)
        if found is None or not found.flags & translation.EXECUTE:
            return None
        offset = found.physical + (address & PAGE_MASK) - board.MEMORY_BASE
        return offset if 0 <= offset < self.words.nbytes else None

    # Devices ----------------------------------------------------------------------------------------------

    def _access_device(self, registers: int, instruction: int) -> Trap | None:
        """A load or store where no memory is. It may raise an interrupt, so the slice ends behind it.

        Only aligned loads and stores reach devices: neither reservations nor atomic operations do (privileged
        specification, 3.6.3 leaves it to the platform).
        """
        access = instructions.access(instruction)
        if access is None:  # the code was changed without a fence
            return Trap(LOAD_ACCESS_FAULT, 0)
        address = access.address(self.words[registers : registers + 31])
        kind = unicorn.UC_MEM_WRITE if access.is_write else unicorn.UC_MEM_READ
        fault = STORE_ACCESS_FAULT if access.is_write else LOAD_ACCESS_FAULT
        next_page = (address | PAGE_MASK) + 1
        if address + access.size > next_page and self._permitted(next_page, kind) is None:
            return Trap(PAGE_FAULTS[kind], next_page)
        found = self._permitted(address, kind)
        if found is None or 0 <= found.physical - board.MEMORY_BASE < self.words.nbytes:
            return Trap(fault, next_page)  # it begins in memory, and ends elsewhere
        if address % access.size or access.opcode == instructions.ATOMIC:
            return Trap(fault, address)
        physical = found.physical + (address & PAGE_MASK)
        try:
            if access.is_write:
                self.bus.store(physical, access.size, self._stored(registers, access))
            else:
                self._fill_register(registers, access, self.bus.load(physical, access.size))
        except NoDevice:
            return Trap(fault, address)
        self.words[registers + 31] += instructions.length(instruction)
        return None

    def _stored(self, registers: int, access: Access) -> int:
        """What a store writes."""
        if access.opcode == instructions.STORE_FLOAT:
            value: int = self.emulator.reg_read(riscv.UC_RISCV_REG_F0 + access.register)
        else:
            value = self.words[registers + access.register - 1] if access.register else 0
        return value & (1 << 8 * access.size) - 1

    def _fill_register(self, registers: int, access: Access, value: int) -> None:
        """What a load does with what it read."""
        bits = 8 * access.size
        value &= (1 << bits) - 1
        if access.opcode == instructions.LOAD_FLOAT:
            self._set_float(access.register, value | BOX if access.size == 4 else value)
            self.set_float_state(FLOAT_DIRTY)
        elif access.register:
            is_negative = value >> bits - 1 and not access.is_unsigned
            self.words[registers + access.register - 1] = value | (-1 << bits & MASK64 if is_negative else 0)

    # What Unicorn gets wrong ------------------------------------------------------------------------------

    def _emulate(self, registers: int, limit: int) -> Trap | None:
        """Do an instruction that `count` asks about; None when it is done."""
        counter = registers + 31
        instruction = self.instruction_at(self.words[counter])
        if instructions.peculiarities(instruction):
            return self._calculate(registers, instruction, limit)
        self.counters.count += 1
        if instructions.is_instruction_fence(instruction):
            self.code_stale = True
        elif (number := instructions.user_counter(instruction)) is not None:
            if number not in instructions.COUNTERS or not instructions.only_reads(instruction):
                return Trap(ILLEGAL_INSTRUCTION, instruction)
            self._read_counter(registers, number, instruction >> 7 & 31)
        else:
            return Trap(ILLEGAL_INSTRUCTION, instruction)
        self.words[counter] += 4
        return None

    def _read_counter(self, registers: int, number: int, register: int) -> None:
        divisor = board.INSTRUCTIONS_PER_TICK if number == instructions.TIME else 1
        if register:
            self.words[registers + register - 1] = self.counters.count // divisor

    def _calculate(self, registers: int, instruction: int, limit: int) -> Trap | None:
        """Execute a floating-point instruction, its sources and its result put right (unprivileged specification).

        - Where a number of single precision is wanted, a register that holds anything else counts as not a number (21.2);
          Unicorn takes its lower half.
        - The smaller and the greater of a number and a signalling not-a-number is the number (20.6); Unicorn follows the
          IEEE's older rule.
        - Infinity times zero is invalid, even if what is added is no number (20.6); Unicorn says so only of a signalling one.
        """
        counter, what = registers + 31, instructions.peculiarities(instruction)
        address, target = self.words[counter], instruction >> 7 & 31
        numbers = instruction >> 15 & 31, instruction >> 20 & 31, instruction >> 27
        before = [self._float(number) for number in numbers]
        sources = list(before)
        if not instructions.moves_bits(instruction):
            for n, is_single in enumerate(
                (what & instructions.SOURCE1, what & instructions.SOURCE2, what & instructions.SOURCE3)
            ):
                if is_single and sources[n] < BOX:
                    sources[n] = NOT_A_NUMBER
        of = SINGLE if what & instructions.RESULT else DOUBLE
        if what & instructions.ADDEND and of.is_invalid(*sources):
            sources[2] = of.signalling
        for number, old, new in zip(numbers, before, sources, strict=True):
            if new != old:
                self._set_float(number, new)
        self.counters.passed = address
        status = self._execute(registers, min(limit, self.counters.count + 1))
        is_done = self.counters.exception == NO_EXCEPTION and self.words[counter] != address
        result = self._float(target)
        for number, old in zip(numbers, before, strict=True):
            self._set_float(number, old)
        if not is_done:
            return None if self._is_at_limit(status) else self._trap(registers, status, limit)
        if what & instructions.MINIMUM and of.is_nan(sources[0]) != of.is_nan(sources[1]):
            result = sources[of.is_nan(sources[0])]
        if instructions.fills_float(instruction):
            self._set_float(target, result | BOX if what & instructions.RESULT else result)
        return None

    def _float(self, number: int) -> int:
        value: int = self.emulator.reg_read(riscv.UC_RISCV_REG_F0 + number)
        return value

    def _set_float(self, number: int, value: int) -> None:
        self.emulator.reg_write(riscv.UC_RISCV_REG_F0 + number, value)

    def _box(self, program_counter: int) -> None:
        """Do what `count` would have done before the next instruction, unless it was this one that trapped."""
        if self.counters.exception == NO_EXCEPTION and program_counter != self.counters.boxed_at:
            value = self.emulator.reg_read(self.counters.boxed)
            self.emulator.reg_write(self.counters.boxed, value | BOX)
        self.counters.boxed = NO_REGISTER

    # Reservations -----------------------------------------------------------------------------------------

    def end_reservation(self) -> None:
        """Let the next `sc` of user code fail, unless it has an `lr` before it."""
        self.reservation.end(self.handle)

    # Floating point ---------------------------------------------------------------------------------------

    def float_state(self) -> int:
        """The field FS: off, initial, clean, or dirty since user code, or `restore_float`, wrote a register."""
        if not self.float_enabled:
            return FLOAT_OFF
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, MACHINE_MODE)
        status = int(self.emulator.reg_read(riscv.UC_RISCV_REG_MSTATUS))
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)
        return status >> FLOAT_SHIFT & 3

    def set_float_state(self, state: int) -> None:
        """Set the field FS. While it is off, floating-point instructions of user code are illegal."""
        if state or self.float_enabled:
            self.float_enabled = state != FLOAT_OFF
            self._set_status(state)
            self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)

    def _set_status(self, float_state: int) -> None:
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, MACHINE_MODE)
        self.emulator.reg_write(riscv.UC_RISCV_REG_MSTATUS, float_state << FLOAT_SHIFT)

    def float_control(self) -> int:
        """The register fcsr."""
        return int(self.emulator.reg_read(riscv.UC_RISCV_REG_FCSR))

    def save_float(self, offset: int) -> None:
        """Write f0..f31 and fcsr as 33 words at `offset` in memory."""
        self._move_float(uclib.uc_reg_read_batch, offset, self.float_state())

    def restore_float(self, offset: int) -> None:
        """Read them back. This writes registers: the state is dirty then, unless it is off."""
        self._move_float(uclib.uc_reg_write_batch, offset, FLOAT_DIRTY if self.float_enabled else FLOAT_OFF)

    def _move_float(self, move: Any, offset: int, state: int) -> None:
        self._set_status(FLOAT_DIRTY)
        move(self.handle, self.floats, self._places(offset), 33)
        self._set_status(state)
        self.emulator.reg_write(riscv.UC_RISCV_REG_PRIV, USER_MODE)


def host_address(function: Any) -> int:
    """Where a function of the host is."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0
