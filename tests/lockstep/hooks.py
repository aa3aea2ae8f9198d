"""Compiled code without a machine under it: what is the processor's own becomes calls of Python's processor.

Control registers, firmware calls, fences, device registers and the floating-point transfers in assembly are each one line of
LLVM text; where the parts of the kernel's image end, which a linker knows, are numbers. `Hooks.hooked` rewrites those lines and leaves all others, which are the compiler's work under test, as they are.
How compiled code reaches Python is the subclass's matter.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from pith.kernel.riscv64.csr import SSTATUS_FS_DIRTY

from .processor import Processor

_CSR = {"csrw": lambda old, new: new, "csrs": lambda old, new: old | new, "csrc": lambda old, new: old & ~new}
_ASSEMBLY = re.compile(
    r'^(?P<head>.*)call (?P<kind>[^"]*?) asm (?:sideeffect )?"(?P<text>[^"]*)", "[^"]*"\((?P<arguments>.*)\)$'
)
_LOAD = re.compile(r"^(?P<head>.*)load volatile i32, (?P<from>ptr \S+), align 4$")
_STORE = re.compile(r"^ *store volatile (?P<value>i32 \S+), (?P<to>ptr \S+), align 4$")
_FLOAT = re.compile(
    r'^(?P<head>.*)call .*@"pith\.kernel\.riscv64\.fpu\.(?P<name>_save|_restore|_swap)"\((?P<arguments>.*)\)$'
)


class Hooks(ABC):
    """Rewrites a program's text; `sleep` is what waiting for an interrupt means."""

    def __init__(self, processor: Processor, sleep: Callable[[], None]) -> None:
        self.processor, self.sleep = processor, sleep
        self.answers = 0  # of the firmware, each with a name of its own

    @abstractmethod
    def call(self, head: str, kind: str, arguments: list[str], function: Callable[..., Any]) -> list[str]:
        """Lines that call `function` with the arguments ("i64 %r3") and give its result to `head` ("%r4 =", or "")."""

    def hooked(self, text: str, symbols: Mapping[str, int] | None = None) -> str:
        """The program's text; `symbols` are what a linker would know, virtual addresses."""
        for name, address in (symbols or {}).items():
            text = text.replace(f'ptr @"{name}"', f"ptr inttoptr (i64 {address} to ptr)")
        return "\n".join(new for line in text.splitlines() for new in self._line(line))

    def _line(self, line: str) -> list[str]:
        processor = self.processor
        if found := _ASSEMBLY.match(line):
            return self._assembly(found)
        if found := _LOAD.match(line):
            return self.call(found["head"], "i32", [found["from"]], lambda at: processor.device_load(at, 4))
        if found := _STORE.match(line):
            return self.call("", "void", [found["to"], found["value"]], self._store)
        if found := _FLOAT.match(line):
            moves = {"_save": processor.save_float, "_restore": self._restore, "_swap": self._swap}
            kind = "void" if found["name"] == "_save" else "i64"
            return self.call(found["head"], kind, found["arguments"].split(", "), moves[found["name"]])
        return [line]

    def _store(self, address: int, value: int) -> None:
        self.processor.device_store(address, 4, value & 0xFFFF_FFFF)

    def _restore(self, source: int) -> int:
        self.processor.restore_float(source)
        return SSTATUS_FS_DIRTY

    def _swap(self, source: int, to: int) -> int:
        self.processor.save_float(to)
        return self._restore(source)

    def _assembly(self, found: re.Match[str]) -> list[str]:
        head, kind = found["head"], found["kind"]
        arguments = [a.strip() for a in found["arguments"].split(",") if a.strip()]
        operation, *operands = found["text"].replace(",", " ").split()
        match operation:
            case "ecall":  # answers (error, value), and this firmware makes no errors
                self.answers += 1
                value = f"%firmware.{self.answers}"
                asked = self.call(f"  {value} = ", "i64", arguments, self._firmware)
                return [*asked, f"{head}insertvalue {kind} zeroinitializer, i64 {value}, 1"]
            case "csrr":
                return self.call(head, kind, [], lambda: self.processor.csr_read(operands[1]))
            case "csrrc":
                return self.call(head, kind, arguments, self._read_and_clear(operands[1]))
            case "csrw" | "csrs" | "csrc":
                return self.call("", kind, arguments, self._change(operation, operands[0]))
            case "sfence.vma":
                fence = self.processor.translation_fence
                by_operands = {(): lambda: fence(None, None), ("x0", "$0"): lambda asid: fence(None, asid)}
                return self.call("", kind, arguments, by_operands.get(tuple(operands), fence))
            case "sc.d":
                return self.call("", kind, [], self.processor.end_reservation)
            case "fence.i":
                return self.call("", kind, [], self.processor.instruction_fence)
            case "fence":
                return []  # of order among accesses, which these lives keep
            case "wfi":
                return self.call("", kind, [], self.sleep)
        raise ValueError(f"no hook for {found['text']}")

    def _firmware(self, a0: int, a1: int, a2: int, function: int, extension: int) -> int:
        return self.processor.sbi_call(extension, function, a0, a1, a2)[1]

    def _read_and_clear(self, name: str) -> Callable[[int], int]:
        def read_and_clear(mask: int) -> int:
            before = self.processor.csr_read(name)
            self.processor.csr_write(name, before & ~mask)
            return before

        return read_and_clear

    def _change(self, operation: str, name: str) -> Callable[[int], None]:
        def change(value: int) -> None:
            old = 0 if operation == "csrw" else self.processor.csr_read(name)
            self.processor.csr_write(name, _CSR[operation](old, value))

        return change
