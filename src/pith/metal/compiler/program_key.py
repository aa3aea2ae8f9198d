"""What the result of compiling depends on, as one hash: the name that the cache keeps it under.

That is the sources of the program's modules and of the compiler, the values of the modules' constants (which may have
been computed from the outside), and the options.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType


def program_key(modules: Iterable[ModuleType], options: object) -> str:
    """The hash of all that compiling functions of these modules, and of those they import, depends on."""
    digest = hashlib.sha256(repr(options).encode())
    digest.update(compiler_hash().encode())
    for name, module in sorted(_involved(modules).items()):
        digest.update(f"\n{name} {module.__file__}\n".encode())
        digest.update(Path(str(module.__file__)).read_bytes())
        digest.update(repr(_constants(module)).encode())
    return digest.hexdigest()[:32]


@cache
def compiler_hash() -> str:
    """The hash of the sources of metal Python and its compiler, and of the versions of what they stand on."""
    digest = hashlib.sha256(f"{sys.version} {version('ziglang')}".encode())
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _constants(module: ModuleType) -> list[tuple[str, object]]:
    """The module's plain values, by name."""
    plain = (int, str, bytes, bool, IntEnum)
    return sorted((n, v) for n, v in vars(module).items() if isinstance(v, plain) and not n.startswith("__"))


def _involved(modules: Iterable[ModuleType]) -> dict[str, ModuleType]:
    """These modules and all that they import, but for the standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    found: dict[str, ModuleType] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        file = getattr(module, "__file__", None)
        if (
            module.__name__ in found
            or not file
            or not file.endswith(".py")
            or Path(file).is_relative_to(library)
        ):
            continue
        found[module.__name__] = module
        waiting += [sys.modules[name] for name in _imported(module) if name in sys.modules]
    return found


def _imported(module: ModuleType) -> set[str]:
    """The names of modules that a module's import statements may mean."""
    names: set[str] = set()
    package = module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            names |= {source} | {f"{source}.{alias.name}" for alias in node.names}
    return names | {f"{name}_py" for name in names}  # see reader/own_names.py
