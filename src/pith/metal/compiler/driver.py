"""The compiler as a whole: from functions to an object file and an ELF, each stage timed, shown on demand, kept.

`compile_program` reads the functions reachable from the roots and compiles them, or finds that it did so before
(`cache.py`). `Compiled.link` makes an ELF of the object. `show_file` is `pith compile`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar, get_args, get_type_hints

from . import cache, ir, link, tree
from .link import KERNEL, Target
from .llvm import emit
from .lowering import lower
from .lowering_builder import METAL
from .program_key import program_key
from .reader import read_program
from .reader.loading import import_file
from .show_part import part
from .show_tree import show_tree

STAGES = ("tree", "ir", "llvm", "asm")


@dataclass
class Compiled:
    """A compiled program. `times`: seconds that each stage took when it was compiled; `cached`: not this time."""

    directory: Path
    target: Target
    times: dict[str, float]
    cached: bool
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def object(self) -> Path:
        return self.directory / "program.o"

    def show(self, stage: str) -> str:
        """A stage's text: `tree`, `ir` or `llvm`."""
        return (self.directory / f"program.{_SUFFIX[stage]}").read_text()

    def link(self, script: str, assembly: str = "") -> Path:
        """The program with extra assembly, linked by a linker script: an ELF in the cache."""
        key = hashlib.sha256(f"{script}\0{assembly}".encode()).hexdigest()[:16]

        def make(directory: Path) -> None:
            objects = [self.object]
            if assembly:
                link.assemble(assembly, directory / "assembly.o", self.target)
                objects.insert(0, directory / "assembly.o")
            link.link(objects, directory / "program.elf", script, self.target)

        return cache.kept(f"{self.directory.name}.{key}", make)[0] / "program.elf"


_SUFFIX = {"tree": "tree", "ir": "ir", "llvm": "ll"}


class _Clock:
    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times[name] = time.perf_counter() - start


def compile_program(
    roots: Sequence[Callable[..., Any]],
    *,
    target: Target = KERNEL,
    optimisation: str = "2",
    debug: bool = True,
) -> Compiled:
    """Compile the roots and all that they reach. Raises CompileError for what is not metal Python, or ToolError."""
    modules = [sys.modules[root.__module__] for root in roots]
    names = [f"{root.__module__}.{root.__qualname__}" for root in roots]
    key = program_key(modules, (names, target, optimisation, debug))

    def make(directory: Path) -> None:
        clock = _Clock()
        with clock.stage("read"):
            program = read_program(roots)
        kept = [f.symbol for f in program.functions if f.python in roots and not f.exported]
        _compile(program, kept, directory, clock, target, optimisation, debug)
        (directory / "times.json").write_text(json.dumps(clock.times))

    directory, cached = cache.kept(key, make)
    return Compiled(directory, target, json.loads((directory / "times.json").read_text()), cached)


def _compile(
    program: tree.Program,
    kept: list[str],
    directory: Path,
    clock: _Clock,
    target: Target,
    optimisation: str,
    debug: bool,
) -> None:
    """All stages after the first, each one's text kept in `directory`."""
    (directory / "program.tree").write_text(show_tree(program))
    with clock.stage("lower"):
        lowered = lower(program, METAL)
        lowered.kept = kept
    (directory / "program.ir").write_text(ir.show_ir(lowered))
    with clock.stage("emit"):
        text = emit(lowered, debug=debug)
    source = directory / "program.ll"
    source.write_text(text)
    with clock.stage("clang"):
        link.compile_llvm(source, directory / "program.o", target, optimisation)


def show_file(path: str | Path, stage: str, only: str | None = None) -> str:
    """What the compiler makes of the module in a file, at a stage: of its exported functions, or of all.

    And of what they reach; `only` chooses among that, see show_part.py.
    """
    module = import_file(Path(path))
    roots = exported_functions(module) or plain_functions(module)
    text = _assembly(roots) if stage == "asm" else compile_program(roots).show(stage)
    return text if only is None else part(text, stage, only)


def _assembly(roots: Sequence[Callable[..., Any]]) -> str:
    """The assembly as one would like to read it: without debug information."""
    compiled = compile_program(roots, debug=False)
    source = compiled.directory / "program.ll"

    def make(directory: Path) -> None:
        link.compile_llvm(source, directory / "program.s", compiled.target, assembly=True)

    directory, _ = cache.kept(f"{compiled.directory.name}.assembly", make)
    return (directory / "program.s").read_text()


def _own_functions(module: ModuleType) -> list[FunctionType]:
    return [
        f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == module.__name__
    ]


def exported_functions(module: ModuleType) -> list[FunctionType]:
    """The functions that the module exports under a symbol."""
    return [f for f in _own_functions(module) if hasattr(f, "__metal_export__")]


def plain_functions(module: ModuleType) -> list[FunctionType]:
    """The module's top-level functions that are not generic."""
    return [f for f in _own_functions(module) if not _mentions_variable(list(get_type_hints(f).values()))]


def _mentions_variable(annotations: Sequence[Any]) -> bool:
    return any(isinstance(a, TypeVar) or _mentions_variable(get_args(a)) for a in annotations)
