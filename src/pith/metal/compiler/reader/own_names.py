"""Modules of the user's that are named like one that Python or Pith has: `queue.py`, `signal.py`, `pith.py`.

CPython lets a script's own folder come first, so such a file is the user's own. Here it must not come first for the compiler,
which imports Python's `queue` when it needs it. So the user's one goes by another name, `queue_py`, and the user's own
files, and they only, find it under the name that they write.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pith

_ENVIRONMENT = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_FOREIGN = [*_ENVIRONMENT, Path(pith.__file__).parent]


def own_name(name: str) -> str:
    """The name that the user's module `name` goes by: its own, if nobody else's is called so."""
    return f"{name}_py" if is_taken(name) else name


def is_taken(name: str) -> bool:
    """Whether Python, an installed package or Pith has a module of this name."""
    if name in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(name)
    except ValueError:  # a module that was made by hand
        return False
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    return any(_is_foreign(Path(place)) for place in places if place)


def _is_foreign(place: Path) -> bool:
    return any(place.is_relative_to(folder) for folder in _FOREIGN)


@contextmanager
def own_imports(root: Path) -> Iterator[None]:
    """Meanwhile, what files in `root` import by a taken name is the file of that name beside them."""
    usual = builtins.__import__

    def own_import(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        importer = Path(str((globals or {}).get("__file__") or "/"))
        file = root / f"{name}.py"
        if level or importer.parent != root or not file.is_file() or name == "pith" or not is_taken(name):
            return usual(name, globals, locals, fromlist or (), level)
        return load(own_name(name), file)

    builtins.__import__ = own_import
    try:
        yield
    finally:
        builtins.__import__ = usual


def load(name: str, file: Path) -> ModuleType:
    """The module in a file, under a name; it is not run again when it is loaded already."""
    known = sys.modules.get(name)
    if known is not None and is_from(known, file):
        return known
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # the name of the file ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def is_from(module: ModuleType, file: Path) -> bool:
    """Whether a module was made from this file."""
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(str(origin)).resolve() == file.resolve()
