"""The compiled kernel in this process: the same IR as the metal's, for the host's processor, over memory of its own.

Its memory is mapped at the very addresses that the world's references have, statics included. What is riscv64's own in the IR
(control registers, firmware calls, fences, device registers, the floating-point transfers in assembly) is replaced by calls of
the world's processor; see `hooks.py`. A panic comes back as `Panicked`. Code that waits for an interrupt that never comes cannot
be left by an exception, so it is given a reason to panic: the idle thread is taken away.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from pith.kernel.state import KernelState, kernel
from pith.metal.compiler import jit
from pith.metal.compiler.calling import panic_at
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import HOST, PANIC_DATA, PANICKED, Options
from pith.metal.compiler.reader import read_program

from .builds import Build
from .hooks import Hooks
from .processor import Asleep, Processor
from .world import ROOTS, symbols

OPTIONS = replace(HOST, machine=True)
_WORD = ctypes.c_uint64


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


def kernel_text(options: Options, hosted: bool) -> str:
    """The kernel as LLVM text; `pith.call.N` enters it by root N of `ROOTS`."""
    program = read_program(list(ROOTS))
    by_root = {function.python: function for function in program.functions}
    return emit(lower(program, options, [by_root[root] for root in ROOTS]), hosted=hosted, debug=False)


def without_assembly(text: str) -> str:
    """The program without its functions in riscv64's assembly, whose calls are hooked."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("module asm"))


class Callbacks(Hooks):
    """Compiled code calls Python's functions at their true addresses."""

    def __init__(self, processor: Processor, sleep: Callable[[], None]) -> None:
        super().__init__(processor, sleep)
        self.kept: list[Any] = []  # callbacks live as long as the code that calls them

    def call(self, head: str, kind: str, arguments: list[str], function: Callable[..., Any]) -> list[str]:
        results = {"void": None, "i64": _WORD, "i32": ctypes.c_uint32}
        callback = ctypes.CFUNCTYPE(results[kind], *[_WORD] * len(arguments))(function)
        self.kept.append(callback)
        address = ctypes.cast(callback, ctypes.c_void_p).value
        return [f"{head}call {kind} inttoptr (i64 {address} to ptr)({', '.join(arguments)})"]


class Compiled:
    """The kernel as the compiler has it. Make it while CPython's kernel is attached, whose statics' places it takes over."""

    def __init__(self, build: Build, change: Callable[[str], str] = lambda text: text) -> None:
        self.memory = map_at(build.base, build.ram_bytes)
        self.words = memoryview(self.memory).cast("B").cast("Q")
        self.processor = Processor(self.words, build.base)
        self.asleep = False
        self._hooks = Callbacks(self.processor, self._sleep)
        text = without_assembly(change(kernel_text(OPTIONS, hosted=True)))
        self._engine = jit._engine(self._hooks.hooked(text, symbols(build)), 2)
        self._functions = [
            ctypes.CFUNCTYPE(_WORD, ctypes.c_void_p, ctypes.c_void_p)(
                self._engine.get_function_address(f"pith.call.{number}")
            )
            for number in range(len(ROOTS))
        ]
        self._panic = self._engine.get_global_value_address(PANIC_DATA)
        self._arguments, self._results = (_WORD * 6)(), (_WORD * 2)()
        self._where = ctypes.addressof(self._arguments), ctypes.addressof(self._results)
        self._idle = (kernel.address - build.base + KernelState.layout().fields["idle"].offset) >> 3

    def enter(self, cause: int, value: int) -> int:
        self.processor.stval = value
        return self._call(0, cause)

    def boot(self, arguments: tuple[int, ...]) -> int:
        self._call(1, *arguments)
        return self._call(2)

    def _call(self, root: int, *arguments: int) -> int:
        self.asleep = False
        self._arguments[: len(arguments)] = arguments
        number = self._functions[root](*self._where)
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
