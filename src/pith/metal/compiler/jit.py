"""Compiled code inside a CPython process: metal functions on the host's own processor, over CPython's arena.

Statics have the addresses that the arena gave them and references are true host addresses (`memory.attach_host`), so
that compiled and interpreted code work on the same memory. A panic comes back as an exception: here every function
returns a failure number, and a panic is one (see `lowering_builder`). Operations of the processor panic.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as binding

from . import tree
from .calling import outcome, panic_at, words_of
from .llvm import emit
from .lowering import lower
from .lowering_builder import FAILURE_DATA, HOST, PANIC_DATA, PANICKED
from .lowering_memory import word_count

_CALL = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p)
_prepared = False


class Jit:
    """Functions of a program, callable from CPython."""

    def __init__(self, program: tree.Program, functions: list[tree.Function], optimisation: int = 2) -> None:
        text = emit(lower(program, HOST, functions), hosted=True, debug=False)
        self.failures = program.failures
        self.functions = functions
        self._engine = _engine(text, optimisation)
        address = self._engine.get_function_address
        self._calls = [_CALL(address(f"pith.call.{i}")) for i in range(len(functions))]
        self._failure = self._engine.get_global_value_address(FAILURE_DATA)
        self._panic = self._engine.get_global_value_address(PANIC_DATA)

    def call(self, index: int, *arguments: Any) -> Any:
        """Call the function; raises its Failure, or Panicked."""
        function = self.functions[index]
        kinds = [kind for _, kind in function.parameters]
        words = [w for v, k in zip(arguments, kinds, strict=True) for w in words_of(v, k)]
        passed = (ctypes.c_uint64 * (len(words) + 1))(*words)
        results = (ctypes.c_uint64 * (word_count(function.result) + 1))()
        number = self._calls[index](ctypes.addressof(passed), ctypes.addressof(results))
        if number == PANICKED:
            site, value = _words(self._panic, 2)
            raise panic_at(ctypes.string_at, site, value)
        return outcome(function, self.failures, number, list(results), lambda n: _words(self._failure, n))

    def callables(self) -> list[Callable[..., Any]]:
        """The functions, as plain callables."""
        return [lambda *a, i=i: self.call(i, *a) for i in range(len(self.functions))]


def _words(address: int, count: int) -> list[int]:
    return list((ctypes.c_uint64 * count).from_address(address))


def _engine(text: str, optimisation: int) -> Any:
    """Verify, optimise and load a module."""
    global _prepared
    if not _prepared:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        binding.set_option("pith", "-expand-div-rem-bits=64")  # no library for divisions of 128 bits
        _prepared = True
    module = binding.parse_assembly(text)
    module.verify()
    machine = binding.Target.from_default_triple().create_target_machine(opt=optimisation, jit=True)
    tuning = binding.create_pipeline_tuning_options(speed_level=optimisation)
    binding.create_pass_builder(machine, tuning).getModulePassManager().run(
        module, binding.create_pass_builder(machine, tuning)
    )
    return binding.create_mcjit_compiler(module, machine)
