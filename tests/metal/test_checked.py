"""Checked import: the same module, but a value must fit the sized integer that it is stored under."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from pith.metal import checked

SOURCE = '''"""Stores of every kind."""

from __future__ import annotations

from typing import Final, TypeAlias

from pith.metal import Failure, Value, i8, u4, u8, u64
from pith.metal.integers import u16 as halfword

Word: TypeAlias = u64


class Pair(Value):
    small: u8
    word: Word


class Late(Failure):
    by: u8


def parameter(x: u8) -> int:
    """The documentation stays in front."""
    return x


def result(x: int) -> u8:
    return x + 1


def signed_result(x: int) -> i8:
    return x


def results(x: int) -> tuple[u8, bool, Word]:
    return x, True, x


def annotated(x: int) -> int:
    y: u8 = x
    return y


def assigned_later(x: int) -> int:
    y: u8 = 0
    if x:
        y = x
    return y


def augmented(x: int) -> int:
    y: Word = 1
    y -= x
    return y


def unpacked(x: int) -> int:
    y: u4 = 0
    z, (y, w) = 300, (x, 300)
    return y


def in_a_loop(n: int) -> int:
    i: u4 = 0
    total = 0
    for i in range(n):
        total += i
    return total


def walrus(x: int) -> int:
    y: halfword
    return (y := x) + 1


def captured(x: int) -> int:
    y: u8
    match (x, 1):
        case (y, 1):
            return y
    return -1


def final(x: int) -> int:
    y: Final[u8] = x
    return y


def unchecked(x: int) -> int:
    y = x
    return y


def value(x: int) -> Pair:
    return Pair(x, 1)


def failure(x: int) -> None:
    raise Late(x)


def several_lines(
    x: int,
) -> u64:
    total: u64 = (
        x
        + 1
    )
    for _ in range(2):
        total += 1
    return (
        total
        + 0
    )
'''


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    yield _loaded(tmp_path)
    for name in ("stores", "plain_stores"):
        sys.modules.pop(name, None)


def _loaded(folder: Path) -> ModuleType:
    path = folder / "stores.py"
    path.write_text(SOURCE)
    return checked.load(path)


def _unchecked(folder: Path) -> ModuleType:
    """The same module as Python imports it."""
    path = folder / "plain_stores.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("plain_stores", path)
    assert spec and spec.loader
    plain = importlib.util.module_from_spec(spec)
    sys.modules["plain_stores"] = plain
    spec.loader.exec_module(plain)
    return plain


@pytest.mark.parametrize(
    "name, good, bad",
    [
        ("parameter", [0, 255, True], [256, -1]),
        ("result", [-1, 254], [255, -2]),
        ("signed_result", [-128, 127], [-129, 128]),
        ("results", [0, 255], [256, -1]),
        ("annotated", [0, 255], [256, -1]),
        ("assigned_later", [0, 255], [256, -1]),
        ("augmented", [0, 1, -5], [2, -(1 << 64)]),
        ("unpacked", [0, 15], [16, -1]),
        ("in_a_loop", [0, 16], [17]),
        ("walrus", [0, 65535], [65536, -1]),
        ("captured", [0, 255], [256]),
        ("final", [255], [256]),
        ("unchecked", [-1, 1 << 70], []),
        ("value", [0, 255], [256, -1]),
        ("several_lines", [-1, 5], [-2, (1 << 64) - 1, (1 << 64) - 2]),
    ],
)
def test_stores(module: ModuleType, tmp_path: Path, name: str, good: list[int], bad: list[int]) -> None:
    plain = _unchecked(tmp_path)
    function: Callable[[int], Any] = getattr(module, name)
    for argument in good:
        assert repr(function(argument)) == repr(getattr(plain, name)(argument))
    for argument in bad:
        getattr(plain, name)(argument)
        with pytest.raises(OverflowError):
            function(argument)


def test_a_failure_checks_its_fields(module: ModuleType) -> None:
    with pytest.raises(module.Late):
        module.failure(255)
    with pytest.raises(OverflowError, match=r"`self.by` is u8, 0\.\.255, and the value 256"):
        module.failure(256)


def test_documentation_stays(module: ModuleType) -> None:
    assert module.parameter.__doc__ == "The documentation stays in front."
    assert module.__doc__ == "Stores of every kind."


@pytest.mark.parametrize(
    "name, argument", [("annotated", 300), ("result", 300), ("augmented", 2), ("in_a_loop", 17)]
)
def test_the_traceback_names_the_line_of_the_store(module: ModuleType, name: str, argument: int) -> None:
    with pytest.raises(OverflowError) as caught:
        getattr(module, name)(argument)
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.name == name]
    text = {
        "annotated": "y: u8 = x",
        "result": "return x + 1",
        "augmented": "y -= x",
        "in_a_loop": "for i in range(n):",
    }
    assert frames[-1].line == text[name]


def _lines(function: Callable[[int], Any], argument: int) -> list[int]:
    """The lines at which a debugger that steps through the function stops."""
    seen: list[int] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is function.__code__:
            if event == "line":
                seen.append(frame.f_lineno)
            return trace
        return None

    sys.settrace(trace)
    try:
        function(argument)
    finally:
        sys.settrace(None)
    return seen


@pytest.mark.parametrize(
    "name",
    ["parameter", "result", "results", "annotated", "assigned_later", "augmented", "unpacked", "in_a_loop", "walrus",
     "captured", "several_lines"],
)  # fmt: skip
def test_stepping_is_undisturbed(module: ModuleType, tmp_path: Path, name: str) -> None:
    plain = _unchecked(tmp_path)
    assert _lines(getattr(module, name), 1) == _lines(getattr(plain, name), 1)


def test_install_checks_what_its_prefixes_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("inside", "outside"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "part.py").write_text(
            "from pith.metal import u8\n\n\ndef f(x: u8) -> u8:\n    return x\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    checked.install(("inside",))
    checked.install(("inside",))
    try:
        assert len(sys.meta_path) == len(before) + 1
        with pytest.raises(OverflowError):
            importlib.import_module("inside.part").f(256)
        assert importlib.import_module("outside.part").f(256) == 256
    finally:
        checked.uninstall()
        for name in [n for n in sys.modules if n.partition(".")[0] in ("inside", "outside")]:
            del sys.modules[name]
    assert sys.meta_path == before


def test_an_alias_from_another_module_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aliased").mkdir()
    (tmp_path / "aliased" / "__init__.py").write_text("")
    (tmp_path / "aliased" / "names.py").write_text("from pith.metal import u8\n\nByte = u8\n")
    (tmp_path / "aliased" / "user.py").write_text(
        "from __future__ import annotations\nfrom .names import Byte\n\n\ndef f(x: Byte) -> Byte:\n    return x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    checked.install(("aliased",))
    try:
        with pytest.raises(OverflowError):
            importlib.import_module("aliased.user").f(256)
    finally:
        checked.uninstall()
        for name in [n for n in sys.modules if n.partition(".")[0] == "aliased"]:
            del sys.modules[name]
