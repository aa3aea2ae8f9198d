"""The compiled kernel in this process: the same IR as the metal's, for the host's processor, over memory of its own.

Its memory is mapped at the very addresses that the world's references have, statics included. What is riscv64's own in the IR
(control registers, firmware calls, fences, device registers, the floating-point transfers in assembly) is replaced by calls of
the world's processor; see `_Hooks`. A panic comes back as `Panicked`. Code that waits for an interrupt that never comes cannot
be left by an exception, so it is given a reason to panic: the idle thread is taken away.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from pith.kernel.riscv64 import trap
from pith.kernel.state import KernelState, kernel
from pith.metal.compiler import jit
from pith.metal.compiler.calling import panic_at
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import HOST, PANIC_DATA, PANICKED
from pith.metal.compiler.reader import read_program

from .processor import Asleep, Processor
from .world import BASE, SIZE

OPTIONS = replace(HOST, machine=True)
_WORD = ctypes.c_uint64
_CSR = {"csrw": lambda old, new: new, "csrs": lambda old, new: old | new, "csrc": lambda old, new: old & ~new}
_ASSEMBLY = re.compile(
    r'call (?P<kind>[^"]*?) asm sideeffect "(?P<text>[^"]*)", "[^"]*"\((?P<arguments>.*)\)'
)
_DEVICE = re.compile(
    r"(?P<load>load) volatile i32, (?P<from>ptr \S+), .*|store volatile (?P<value>i32 \S+), (?P<to>ptr \S+), .*"
)
_FLOAT = re.compile(r'call void @"pith\.kernel\.riscv64\.fpu\.(?P<name>_save|_restore)"\((?P<arguments>.*)\)')


@cache
def map_at(address: int, size: int) -> Any:
    """Memory at an address, the same each time; raises OSError if something else is there."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    fixed, private, anonymous, read_and_write = 0x10_0000, 0x02, 0x20, 3
    got = libc.mmap(address, size, read_and_write, fixed | private | anonymous, -1, 0)
    if got != address:
        raise OSError(ctypes.get_errno(), f"no memory at {address:#x}")
    return (ctypes.c_char * size).from_address(address)


class _Hooks:
    """LLVM text in which the processor's operations are calls of Python functions."""

    def __init__(self, processor: Processor, sleep: Callable[[], None]) -> None:
        self.processor, self.sleep = processor, sleep
        self.kept: list[Any] = []  # callbacks live as long as the code that calls them

    def hooked(self, text: str) -> str:
        lines = (line for line in text.splitlines() if not line.startswith("module asm"))
        return "\n".join(map(self._line, lines))

    def _line(self, line: str) -> str:
        if " asm sideeffect " in line:
            return _ASSEMBLY.sub(self._assembly, line)
        if " volatile " in line:
            return _DEVICE.sub(self._device, line)
        return _FLOAT.sub(self._float, line)

    def _call(self, kind: str, arguments: str, function: Callable[..., Any]) -> str:
        """A call of `function` at its true address."""
        count = len([a for a in arguments.split(",") if a.strip()])
        results = {"void": None, "i64": _WORD, "i32": ctypes.c_uint32, "{ i64, i64 }": None}
        callback = ctypes.CFUNCTYPE(results[kind], *[_WORD] * count)(function)
        self.kept.append(callback)
        address = ctypes.cast(callback, ctypes.c_void_p).value
        return f"call {'void' if kind[0] == '{' else kind} inttoptr (i64 {address} to ptr)({arguments})"

    def _assembly(self, found: re.Match[str]) -> str:
        kind, arguments = found["kind"], found["arguments"]
        operation, *operands = found["text"].replace(",", " ").split()
        processor = self.processor
        if operation == "ecall":  # (a0, a1, a2, function, extension); its result is two zeros
            call = self._call(
                kind, arguments, lambda a, b, c, f, e: processor.sbi_call(e, f, a, b, c) and None
            )
            return f"insertvalue {kind} zeroinitializer, i64 0, 0\n  {call}"
        if operation == "csrr":
            return self._call(kind, arguments, lambda: processor.csr_read(operands[1]))
        if operation in _CSR:
            return self._call(kind, arguments, self._change(operation, operands[0]))
        if operation == "sfence.vma":
            return self._call(kind, arguments, self._fence(operands))
        assert operation == "wfi", operation
        return self._call(kind, arguments, self.sleep)

    def _change(self, operation: str, name: str) -> Callable[[int], None]:
        def change(value: int) -> None:
            old = 0 if operation == "csrw" else self.processor.csr_read(name)
            self.processor.csr_write(name, _CSR[operation](old, value))

        return change

    def _fence(self, operands: list[str]) -> Callable[..., None]:
        fence = self.processor.translation_fence
        return (lambda asid: fence(None, asid)) if operands[0] == "x0" else fence

    def _device(self, found: re.Match[str]) -> str:
        processor = self.processor
        if found["load"]:
            return self._call("i32", found["from"], lambda address: processor.device_load(address, 4))
        store = f"{found['to']}, {found['value']}"
        return self._call(
            "void", store, lambda address, value: processor.device_store(address, 4, value & 0xFFFF_FFFF)
        )

    def _float(self, found: re.Match[str]) -> str:
        move = self.processor.save_float if found["name"] == "_save" else self.processor.restore_float
        return self._call("void", found["arguments"], move)


class Compiled:
    """The kernel as the compiler has it. Make it while CPython's kernel is attached, whose statics' places it takes over."""

    def __init__(self, change: Callable[[str], str] = lambda text: text) -> None:
        self.memory = map_at(BASE, SIZE)
        self.words = memoryview(self.memory).cast("B").cast("Q")
        self.processor = Processor(self.words, BASE)
        self.asleep = False
        self._hooks = _Hooks(self.processor, self._sleep)
        program = read_program([trap.handle_trap])
        functions = [f for f in program.functions if f.python is trap.handle_trap]
        text = emit(lower(program, OPTIONS, functions), hosted=True, debug=False)
        self._engine = jit._engine(self._hooks.hooked(change(text)), 2)
        address = self._engine.get_function_address("pith.call.0")
        self._enter = ctypes.CFUNCTYPE(_WORD, ctypes.c_void_p, ctypes.c_void_p)(address)
        self._panic = self._engine.get_global_value_address(PANIC_DATA)
        self._arguments, self._results = (_WORD * 2)(), (_WORD * 2)()
        self._idle = (kernel.address - BASE + KernelState.layout().fields["idle"].offset) >> 3

    def enter(self, cause: int, value: int) -> int:
        self.asleep = False
        self._arguments[0], self._arguments[1] = cause, value
        number = self._enter(ctypes.addressof(self._arguments), ctypes.addressof(self._results))
        if self.asleep:
            raise Asleep
        if number == PANICKED:
            site, word = (_WORD * 2).from_address(self._panic)
            raise panic_at(ctypes.string_at, site, word)
        return self._results[0]

    def _sleep(self) -> None:
        try:
            self.processor.wait_for_interrupt()
        except Asleep:
            self.asleep = True
            self.words[self._idle] = 0
