"""Kernel tests in both lives: what a test asks of the kernel's Python, the compiled kernel is asked as well.

`pytest --both-lives tests/kernel` compiles the kernel for this host, as lockstep does, and puts a double in the place of
each of its functions. When a test calls one, CPython's function runs, then the compiled one on a copy of memory as it was,
and all that may differ is compared: the result or the failure, what was asked of the processor, and memory afterwards.
Where CPython raises anything but a Failure, the compiled function must panic. Calls that the kernel makes itself are
part of the call that the test made.

The compiled function's processor gives the answers that CPython's gave, and takes no other questions. What a test put in
the place of a function or constant of the kernel was not compiled: until it is taken back, CPython is alone.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature
from types import ModuleType
from typing import Any, Final

import pytest

from pith.kernel import resume
from pith.kernel.riscv64 import trap, window
from pith.kernel.state import KernelState, kernel
from pith.metal import Failure, machine, memory, types
from pith.metal.compiler import jit, tree
from pith.metal.compiler.calling import outcome, panic_at, words_of
from pith.metal.compiler.llvm import emit
from pith.metal.compiler.lowering import lower
from pith.metal.compiler.lowering_builder import FAILURE_DATA, PANIC_DATA, PANICKED
from pith.metal.compiler.lowering_memory import word_count
from pith.metal.compiler.reader import read_program
from pith.verify import extent, naming
from tests.lockstep.builds import LOW_WINDOW
from tests.lockstep.compiled import OPTIONS, Callbacks, map_at, without_assembly

from .conftest import RAM, STATICS, World

_ROOTS: Final = [trap.handle_trap, resume.begin]
_KERNEL: Final = "pith.kernel"
_INVARIANTS: Final = "pith.verify"  # reads memory through the kernel's functions; that is no call of a test's
_WORD = ctypes.c_uint64
_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]


class Differs(AssertionError):
    """The two lives disagree."""


class Recorder:
    """CPython's processor, with a record of what was asked and answered."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self.record: list[tuple[str, tuple[Any, ...], Any]] = []
        self.can_be_played = (
            True  # not if the test's own processor raises, or its firmware answers with a number
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            try:
                answer = getattr(self._processor, name)(*arguments)
            except BaseException:
                self.can_be_played = False
                raise
            if name == "sbi_call" and answer != (0, 0):
                self.can_be_played = False
            self.record.append((name, arguments, answer))
            return answer

        return ask


class Player:
    """The compiled kernel's processor: the same questions get the same answers."""

    def __init__(self) -> None:
        self.record: list[tuple[str, tuple[Any, ...], Any]] = []
        self.wrong = ""

    def play(self, record: list[tuple[str, tuple[Any, ...], Any]]) -> None:
        self.record, self.wrong = record[::-1], ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            if self.record and self.record[-1][:2] == (name, arguments):
                return self.record.pop()[2]
            expected = self.record[-1][:2] if self.record else "nothing more"
            self.wrong = self.wrong or f"asks {name}{arguments}, CPython {expected}"
            return (0, 0) if name == "sbi_call" else 0

        return ask


class Compiled:
    """The kernel's functions as the compiler has them, over memory where CPython's kernel believes its own to be."""

    def __init__(self, program: tree.Program) -> None:
        self.memory = map_at(memory.base, memory.size)
        self.player = Player()
        hooks: Any = Callbacks(self.player, self._sleep)  # type: ignore[arg-type]
        self.functions = _callable(program)
        self.failures = program.failures
        text = emit(lower(program, OPTIONS, self.functions), hosted=True, debug=False)
        self._hooks = hooks  # its callbacks live as long as the code that calls them
        self._engine = jit._engine(hooks.hooked(without_assembly(text)), 2)
        address = self._engine.get_function_address
        call = ctypes.CFUNCTYPE(_WORD, ctypes.c_void_p, ctypes.c_void_p)
        self._calls = [call(address(f"pith.call.{i}")) for i in range(len(self.functions))]
        self._failure = self._engine.get_global_value_address(FAILURE_DATA)
        self._panic = self._engine.get_global_value_address(PANIC_DATA)

    def _sleep(self) -> None:
        """The kernel waits for an interrupt; with nothing recorded it would for ever, and is given a reason to panic."""
        self.player.wait_for_interrupt()
        if self.player.wrong:
            offset = kernel.address - memory.base + KernelState.layout().fields["idle"].offset
            _WORD.from_buffer(self.memory, offset).value = 0

    def call(self, index: int, arguments: list[int]) -> tuple[int, list[int]]:
        """The number that the function returned, and the words of its result."""
        passed = (_WORD * (len(arguments) + 1))(*arguments)
        results = (_WORD * (word_count(self.functions[index].result) + 1))()
        number = self._calls[index](ctypes.addressof(passed), ctypes.addressof(results))
        return number, list(results)

    def outcome(self, index: int, number: int, words: list[int]) -> Any:
        """The result. Raises the Failure, or Panicked."""
        if number == PANICKED:
            raise panic_at(ctypes.string_at, *_words_at(self._panic, 2))
        return outcome(
            self.functions[index], self.failures, number, words, lambda n: _words_at(self._failure, n)
        )


class BothLives:
    """The pytest plugin: doubles of the kernel's functions, in every module that knows them."""

    def __init__(self) -> None:
        self.compiled: Compiled | None = None
        self.inside = False  # a function of the kernel, called by a test
        self.copied: Any = None  # whose memory the compiled kernel has
        self.compared = 0
        self.known: list[tuple[dict[str, Any], str, Any]] = []  # what was compiled: module, name, value
        self.doubles: dict[int, Callable[..., Any]] = {}
        for module in (window, naming, extent):  # a window where a process may map memory
            setattr(module, "WINDOW_BASE", LOW_WINDOW)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.compared:  # those of this process: with -n others have them
            terminalreporter.write_line(f"{self.compared} calls of the kernel in both lives")

    # Doubles ------------------------------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All modules are there: put the doubles into them."""
        self.program = read_program(_ROOTS)
        functions = enumerate(_callable(self.program))
        self.doubles = {id(f.python): self._double(index, f) for index, f in functions}
        tests = {item.module for item in session.items if isinstance(item, pytest.Function)}
        rooms = [m for name, m in sys.modules.items() if name.startswith((_KERNEL, "tests.kernel"))]
        for module in {*tests, *rooms}:
            self._install(module)

    def _install(self, module: ModuleType) -> None:
        names = vars(module)
        for name, value in list(names.items()):
            names[name] = self.doubles.get(id(value), value)
            if module.__name__.startswith(_KERNEL) and (id(value) in self.doubles or name.isupper()):
                self.known.append((names, name, names[name]))

    def _double(self, index: int, function: tree.Function) -> Callable[..., Any]:
        original = function.python

        @wraps(original)
        def double(*arguments: Any, **keywords: Any) -> Any:
            caller = sys._getframe(1).f_globals["__name__"]
            if self.inside or caller.startswith(_INVARIANTS) or not self._is_as_compiled():
                return original(*arguments, **keywords)
            self.inside = True
            try:
                return self._in_both(index, function, arguments, keywords)
            finally:
                self.inside = False

        return double

    def _is_as_compiled(self) -> bool:
        if memory.buffer is None or any(names[name] is not value for names, name, value in self.known):
            return False
        if self.compiled is None:
            self.compiled = Compiled(self.program)
        return True

    # A call in both lives -----------------------------------------------------------------------------------

    def _in_both(self, index: int, function: tree.Function, arguments: Any, keywords: Any) -> Any:
        assert self.compiled is not None
        words = _argument_words(function, arguments, keywords)
        self._copy(self.compiled)
        recorder, processor = Recorder(machine.processor), machine.processor
        machine.install(recorder)  # type: ignore[arg-type]
        try:
            result, raised = function.python(*arguments, **keywords), None
        except Exception as exception:
            result, raised = None, exception
        finally:
            machine.install(processor)
        if recorder.can_be_played:
            self.compiled.player.play(recorder.record)
            number, results = self.compiled.call(index, words)
            self.compared += 1
            self._require_same(index, function, result, raised, number, results)
        if raised is not None:
            raise raised
        return result

    def _copy(self, compiled: Compiled) -> None:
        """Let compiled code see memory as it is: all of a new world's, later what the world has used of it."""
        everything = memory.buffer is not self.copied
        self.copied = memory.buffer
        start, end = (0, memory.size) if everything else _used()
        ctypes.memmove(
            ctypes.addressof(compiled.memory) + start, _address(memory.buffer) + start, end - start
        )

    def _require_same(
        self,
        index: int,
        function: tree.Function,
        result: Any,
        raised: Exception | None,
        number: int,
        words: list[int],
    ) -> None:
        assert self.compiled is not None
        player = self.compiled.player
        if raised is not None and not isinstance(raised, Failure):
            if number != PANICKED:
                raise Differs(f"{function.symbol}: CPython raises {raised!r}, compiled {number}") from raised
            return
        try:
            theirs, failed = self.compiled.outcome(index, number, words), None
        except Exception as exception:
            theirs, failed = None, exception
        if (type(raised), _fields(raised)) != (type(failed), _fields(failed)):
            raise Differs(f"{function.symbol}: CPython {raised!r}, compiled {failed!r}")
        if raised is None and _result_words(function, result) != _result_words(function, theirs):
            raise Differs(f"{function.symbol}: CPython returns {result}, compiled {theirs}")
        if player.wrong or player.record:
            raise Differs(
                f"{function.symbol}: compiled {player.wrong or f'leaves out {player.record[::-1]}'}"
            )
        start, end = _used()
        if _compare(
            _address(memory.buffer) + start, ctypes.addressof(self.compiled.memory) + start, end - start
        ):
            raise Differs(
                f"{function.symbol}: memory differs\n{_difference(memory.buffer, self.compiled.memory)}"
            )


def _callable(program: tree.Program) -> list[tree.Function]:
    """What can be called from CPython: not assembly, and nothing that takes texts."""
    return [
        function
        for function in program.functions
        if function.assembly is None
        and not any(isinstance(kind, types.Text) for _, kind in function.parameters)
    ]


def _used() -> tuple[int, int]:
    """The part of memory that a test's world has given away, and the statics before it."""
    assert World.newest is not None
    return STATICS - RAM, World.newest.free - RAM


def _argument_words(
    function: tree.Function, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> list[int]:
    values = signature(function.python).bind(*arguments, **keywords)
    values.apply_defaults()
    pairs = zip(values.args, function.parameters, strict=True)
    return [word for value, (_, kind) in pairs for word in words_of(value, kind)]


def _result_words(function: tree.Function, result: Any) -> list[int]:
    return [] if result is None and not word_count(function.result) else words_of(result, function.result)


def _fields(failure: Exception | None) -> object:
    return vars(failure) if isinstance(failure, Failure) else None


def _words_at(address: int, count: int) -> list[int]:
    return list((_WORD * count).from_address(address))


def _address(buffer: Any) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _difference(mine: Any, theirs: Any) -> str:
    pairs = zip(memoryview(mine).cast("Q"), memoryview(theirs).cast("B").cast("Q"), strict=True)
    words = [(memory.base + 8 * i, a, b) for i, (a, b) in enumerate(pairs) if a != b]
    shown = "\n".join(f"  {address:#x}: CPython {a:#x}, compiled {b:#x}" for address, a, b in words[:12])
    return shown + (f"\n  and {len(words) - 12} more" if len(words) > 12 else "")
