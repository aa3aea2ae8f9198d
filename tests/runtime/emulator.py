"""A processor without a kernel: runs a component's ELF in Unicorn, and notes every system call that it makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_RISCV, UC_HOOK_INTR, UC_MODE_RISCV64, Uc
from unicorn.riscv_const import (
    UC_RISCV_REG_A0,
    UC_RISCV_REG_A1,
    UC_RISCV_REG_A2,
    UC_RISCV_REG_A3,
    UC_RISCV_REG_A4,
    UC_RISCV_REG_A5,
    UC_RISCV_REG_A6,
    UC_RISCV_REG_A7,
    UC_RISCV_REG_PC,
    UC_RISCV_REG_T0,
)

from pith.abi.messages import MessageInfo
from pith.abi.syscalls import SystemCall
from pith.runtime.process import IPC_BUFFER_ADDRESS
from pith.runtime.supervision import SUPERVISOR
from tests.runtime.conftest import Trap

A = (
    UC_RISCV_REG_A0, UC_RISCV_REG_A1, UC_RISCV_REG_A2, UC_RISCV_REG_A3,
    UC_RISCV_REG_A4, UC_RISCV_REG_A5, UC_RISCV_REG_A6, UC_RISCV_REG_A7,
)  # fmt: skip
PAGE = 4096

Answer = Callable[[Trap], list[int]]


class Emulator:
    """Runs until the program tells its supervisor something (it has finished), or `traps` is long enough."""

    def __init__(self, elf: Path, answer: Answer = lambda trap: []) -> None:
        self.traps: list[Trap] = []
        self.answer = answer
        self.cpu = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        with elf.open("rb") as file:
            program = ELFFile(file)
            loads = [s for s in program.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_memsz"]]
            first = min(s["p_vaddr"] for s in loads) // PAGE * PAGE
            last = -(-max(s["p_vaddr"] + s["p_memsz"] for s in loads) // PAGE) * PAGE
            self.cpu.mem_map(first, last - first)
            for segment in loads:
                self.cpu.mem_write(segment["p_vaddr"], segment.data())
            self.entry = program.header["e_entry"]
        self.cpu.mem_map(IPC_BUFFER_ADDRESS, PAGE)
        self.cpu.hook_add(UC_HOOK_INTR, self._trap)

    def run(self) -> list[Trap]:
        self.cpu.emu_start(self.entry, 0)
        return self.traps

    def word(self, index: int) -> int:
        """A word of the IPC buffer: the tag is word 0, the message begins at word 1."""
        return int.from_bytes(self.cpu.mem_read(IPC_BUFFER_ADDRESS + 8 * index, 8), "little")

    def _trap(self, cpu: Uc, cause: int, data: object) -> None:
        assert cause == 8, f"not a system call but exception {cause} at {cpu.reg_read(UC_RISCV_REG_PC):#x}"
        registers = [cpu.reg_read(register) for register in A]
        info = MessageInfo.from_bits(registers[1])
        words = registers[2:6] + [self.word(1 + i) for i in range(4, info.length)]
        caps = [self.word(122 + i) for i in range(info.extra_caps)]
        number = registers[7] - (1 << 64)
        trap = Trap(number, registers[0], info, words, caps, registers[6], cpu.reg_read(UC_RISCV_REG_T0))
        if (trap.number, trap.cap) == (SystemCall.SEND, SUPERVISOR):
            cpu.emu_stop()
            return
        self.traps.append(trap)
        for register, value in zip(A, self.answer(trap) or [0] * 6, strict=False):
            cpu.reg_write(register, value)
