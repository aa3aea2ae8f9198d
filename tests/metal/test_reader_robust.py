"""Whatever a program says, the reader answers with a tree or with messages, and never stumbles over it itself.

Programs are made by planting pieces of the ill-formed samples and of a good program into one another. A message that begins with
"this ... is not part of metal Python (" is the reader's last resort: it stumbled over something that it should have foreseen.
"""

from __future__ import annotations

import ast
import copy
import linecache
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import FunctionType, ModuleType
from typing import Any

import pytest

from pith.metal import memory
from pith.metal.compiler.reader import CompileError, read_program, sources

from .test_reader import GENERIC, VOCABULARY

FOLDER = Path(__file__).parent / "ill_formed"
Place = tuple[ast.AST, str, int | None]


def _corpus() -> list[str]:
    texts = [p.read_text() for p in sorted(FOLDER.glob("*.py")) if not p.stem.startswith("syntax")]
    good = VOCABULARY + "\n".join(line[4:] for line in GENERIC.splitlines())
    return [*texts, *[good] * 200]


def _functions(text: str) -> Iterator[ast.FunctionDef]:
    yield from (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef))


def _places(function: ast.FunctionDef, kind: type[ast.AST]) -> list[Place]:
    """Where something of this kind stands in a function's body."""
    found: list[Place] = []
    for node in (n for statement in function.body for n in ast.walk(statement)):
        for name, value in ast.iter_fields(node):
            if isinstance(value, kind):
                found.append((node, name, None))
            elif isinstance(value, list):
                found += [(node, name, i) for i, item in enumerate(value) if isinstance(item, kind)]
    return found


def _is_stored(node: Any) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)


def _planted(text: str, pool: dict[type[ast.AST], list[ast.AST]], rng: Random) -> str:
    module = ast.parse(text)
    functions = [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)]
    for _ in range(rng.randint(1, 3) if functions else 0):
        kind = rng.choice(list(pool))
        places = _places(rng.choice(functions), kind)
        if not places:
            continue
        node, name, index = rng.choice(places)
        old = getattr(node, name) if index is None else getattr(node, name)[index]
        new = copy.deepcopy(rng.choice(pool[kind]))
        if _is_stored(old) or _is_stored(new):
            continue
        if index is None:
            setattr(node, name, new)
        else:
            getattr(node, name)[index] = new
    try:
        return ast.unparse(ast.fix_missing_locations(module))
    except ValueError:
        return text  # an f-string that cannot be written down


def _read(text: str) -> list[str]:
    """The messages about a program; none where it is good, or where Python itself refuses it."""
    path = "planted.py"
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    sys.modules["planted"] = module = ModuleType("planted")
    module.__file__ = path
    try:
        exec(compile(text, path, "exec"), vars(module))
    except Exception:
        return []
    try:
        read_program(
            f for f in vars(module).values() if isinstance(f, FunctionType) and f.__module__ == "planted"
        )
    except CompileError as error:
        return [d.message for d in error.diagnostics]
    return []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_planted_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "buffer", None)
    statics = list(memory.statics)
    rng = Random(seed)
    corpus = _corpus()
    pool: dict[type[ast.AST], list[ast.AST]] = {ast.expr: [], ast.stmt: [], ast.pattern: []}
    for text in corpus[:-199]:
        for function in _functions(text):
            for kind, nodes in pool.items():
                nodes += [n for n in ast.walk(function) if isinstance(n, kind)]
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(60):
            sources.source_file.cache_clear()
            text = _planted(rng.choice(corpus), pool, rng)
            messages = _read(text)
            refused += bool(messages)
            assert not [m for m in messages if "metal Python (" in m], text
    sys.modules.pop("planted", None)
    memory.statics[:] = statics
    assert refused > 20
