"""The law: one program in three lives - CPython, compiled for the host, compiled for riscv64 - compared run by run.

For each function and input all lives start from the same arena. If CPython returns or raises a Failure, compiled code does the
same and leaves the same arena, byte for byte. If CPython raises anything else, compiled code panics. CPython stops where
memory ends; the metal has no such fence, so those runs prove nothing and are only counted.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from pith.metal import checked, memory, types
from pith.metal.compiler import tree
from pith.metal.compiler.calling import Panicked
from pith.metal.compiler.jit import Jit
from pith.metal.compiler.lowering_types import integer_of, record_types
from pith.metal.compiler.reader import CompileError, read_program
from pith.metal.failures import Failure

from .emulated import Emulated
from .source import INTERESTING, Program

ARENA = 1 << 14
REFUSED = (
    "always",
    "is never",
    "never reached",
    "the array has",
    "this may take",
)  # in messages on what cannot go well
OBJECTS = 1 << 9  # bytes that references and views of inputs point into


@dataclass
class Tally:
    """What was tried."""

    programs: int = 0
    runs: int = 0
    stopped: int = 0  # runs where CPython raised and compiled code panicked
    outside: int = 0  # runs that left memory, and prove nothing
    refused: int = 0  # functions that the compiler would not take

    def __str__(self) -> str:
        return (
            f"{self.programs} programs, {self.runs} runs in three lives "
            f"({self.stopped} stopped, {self.outside} left memory)"
        )


class Broken(AssertionError):
    """The lives differ."""


@contextmanager
def own_memory() -> Iterator[None]:
    """A time without statics and arena of others, which come back after."""
    names = [n for n in vars(memory) if n.startswith("view_") or n in ("base", "size", "buffer")]
    saved, statics = {n: getattr(memory, n) for n in names}, list(memory.statics)
    memory.statics.clear()
    memory.buffer = None
    try:
        yield
    finally:
        vars(memory).update(saved)
        memory.statics[:] = statics
        for table in memory.interned:
            table.clear()
        for instance in statics:
            if memory.buffer is not None:
                type(instance)._instances[instance.address] = instance


def import_program(text: str, directory: Path) -> ModuleType:
    """The source as a checked module."""
    path = directory / "generated.py"
    path.write_text(text)
    return checked.load(path)


def try_program(
    program: Program,
    seed: int,
    inputs: int,
    tally: Tally,
    prepare: Callable[[ModuleType, int, Random], None] | None = None,
) -> None:
    """Run every function of `program` on random inputs in all lives. `prepare(module, objects, random)` fills memory."""
    with own_memory(), tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        try:
            module = import_program(program.text, directory)
            roots = [f for f in program.functions if _is_accepted(getattr(module, f), tally)]
            if not roots:
                return
            read = read_program([getattr(module, f) for f in roots])
            objects = -(-memory.attach_host(ARENA) // 64) * 64
            functions = [_function(read, getattr(module, f)) for f in roots]
            lives = [Jit(read, functions), Emulated(read, functions, directory)]
        except Exception as problem:
            raise Broken(f"seed {seed}: {problem}\n{program.text}") from problem
        tally.programs += len(functions)
        rng = Random(f"inputs {seed}")
        for index, function in enumerate(functions):
            for _ in range(inputs):
                memory.view_u8[:] = bytes(ARENA)
                if prepare:
                    prepare(module, objects, rng)
                arguments = [arbitrary(kind, rng, objects) for _, kind in function.parameters]
                try:
                    _compare(lives, index, function, arguments, tally)
                except Broken as broken:
                    shown = ", ".join(str(plain(a)) for a in arguments)
                    text = f"seed {seed}: {function.name}({shown}): {broken}\n{program.text}"
                    raise Broken(text) from None


def _is_accepted(function: Any, tally: Tally) -> bool:
    """Whether the compiler takes the function: it refuses what cannot go well, or takes over 256 bits."""
    try:
        read_program([function])
    except CompileError as refused:
        if not any(phrase in str(refused) for phrase in REFUSED):
            raise
        tally.refused += 1
        return False
    return True


def _function(program: tree.Program, python: Any) -> tree.Function:
    python = getattr(python, "__wrapped__", python)
    return next(f for f in program.functions if f.python is python or f.name == python.__name__)


def _compare(
    lives: list[Any], index: int, function: tree.Function, arguments: list[Any], tally: Tally
) -> None:
    before = bytes(memory.view_u8)
    expected, problem = observe(lambda: function.python(*arguments))
    after = bytes(memory.view_u8)
    tally.runs += 1
    if isinstance(problem, MemoryError):
        tally.outside += 1
        return
    tally.stopped += expected == ("stopped",)
    for life in lives:
        memory.view_u8[:] = before
        found, why = observe(lambda life=life: life.call(index, *arguments))
        where = type(life).__name__
        if found != expected:
            raise Broken(f"CPython: {expected} {problem!r}, {where}: {found} {why!r}")
        if expected != ("stopped",) and bytes(memory.view_u8) != after:
            at = next(i for i in range(ARENA) if memory.view_u8[i] != after[i])
            raise Broken(f"{where} leaves other memory at {memory.base + at:#x} (arena + {at})")


def observe(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What a call does, in a form that can be compared; and the exception, if it stopped."""
    try:
        return ("returned", plain(call())), None
    except Failure as failure:
        return ("failed", type(failure).__name__, plain(list(vars(failure).values()))), failure
    except (Panicked, Exception) as problem:
        return ("stopped",), problem


def plain(value: Any) -> Any:
    """A value as numbers and tuples."""
    match getattr(type(value), "__metal_kind__", None):
        case "struct":
            return ("at", value.address)
        case "packed":
            return (type(value).__name__, value.bits)
        case "array":
            return (value.address, value.length)
        case "value":
            return (type(value).__name__, *(plain(getattr(value, n)) for n in value.__dataclass_fields__))
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    return value if value is None else int(value)


def arbitrary(kind: types.Type, rng: Random, objects: int) -> Any:
    """A random value of a type; references and views lie in the objects' part of the arena."""
    match kind:
        case types.Integer() | types.Boolean():
            return _number(integer_of(kind), rng) if isinstance(kind, types.Integer) else rng.random() < 0.5
        case types.Enumeration(cls):
            return rng.choice(list(cls))
        case types.Reference(cls, nullable):
            if nullable and rng.random() < 0.25:
                return None
            alignment = max(8, types.Embedded(cls).alignment)
            return cls.at(objects + rng.randrange(0, OBJECTS // 2, alignment))  # type: ignore[attr-defined]
        case types.PackedValue(cls):
            return arbitrary_packed(cls, rng, objects)
        case types.PackedUnion(variants):
            return arbitrary_packed(rng.choice(variants), rng, objects)
        case types.View(element, None):
            from pith.metal.arrays import view_class

            at = objects + rng.randrange(0, OBJECTS // 2, max(8, element.alignment))
            return view_class(element).at(at, rng.choice([0, 3, 4, 5, 8, 8]))
        case types.Tuple() | types.Record():
            items = [arbitrary(k, rng, objects) for k in record_types(kind)]
            return tuple(items) if isinstance(kind, types.Tuple) else kind.cls(*items)
    raise TypeError(f"no input of type {kind}")


def arbitrary_packed(cls: Any, rng: Random, objects: int) -> Any:
    """A random packed value: made of valid fields, or of random bits."""
    if rng.random() < 0.2:
        return cls.from_bits(
            rng.getrandbits(cls.__bits__) >> cls.__tag_bits__ << cls.__tag_bits__ | (cls.__tag__ or 0)
        )
    while True:
        try:
            return cls(**{n: arbitrary(f.type, rng, objects) for n, f in cls.layout().items()})
        except OverflowError:  # a shifted field: its low bits must be zero
            continue


def _number(kind: types.Integer, rng: Random) -> int:
    if rng.random() < 0.5:
        near = rng.choice([*INTERESTING, kind.low, kind.high]) + rng.randrange(-2, 3)
        value = near if rng.random() < 0.7 else -near
        if kind.low <= value <= kind.high:
            return value
    value = rng.randint(kind.low, kind.high)
    return value >> rng.randrange(64) if kind.low <= 0 else value
