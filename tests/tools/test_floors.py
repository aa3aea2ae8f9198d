"""The floor check: what it lets pass, what it reports and how."""

import subprocess
import sys
from pathlib import Path

import pytest

import floors

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def few_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of the test's own: the kernel's may grow without a word here."""
    rooms = ("objects", "capability", "riscv64.csr", "riscv64.vspace", "endpoint", "thread", "boot")
    monkeypatch.setattr(floors, "ROOMS", rooms)


def found_in(source: Path, files: dict[str, str]) -> list[str]:
    """Write `files` as a package `pith`; what the check finds in them, as `file:line: message`."""
    for name, text in {"__init__.py": "", **files}.items():
        path = source / "pith" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = floors.violations(source)
    return [f"{v.file.relative_to(source / 'pith')}:{v.line}: {v.message}" for v in found]


def test_pith_itself_has_no_wrong_imports() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "floors.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "file, text",
    [
        ("machine/hosted.py", "from pith.kernel import boot\nimport pith.abi.numbers\nimport os\n"),
        ("metal/checker.py", "from pith import UserError\nfrom .types import U64\nimport llvmlite\n"),
        (
            "kernel/endpoint.py",
            "from enum import Enum\nfrom typing import Final\nfrom pith.metal import struct\n",
        ),
        ("kernel/endpoint.py", "from pith.kernel.objects import Endpoint\nfrom .riscv64 import csr\n"),
        ("kernel/riscv64/vspace.py", "from ..capability import Cap\nfrom . import csr\n"),
        ("cli/main.py", "import pith.lab\nimport pith.metal\nfrom pith.cli import errors\n"),
    ],
)
def test_imports_that_go_down_pass(tmp_path: Path, file: str, text: str) -> None:
    rooms = {f"kernel/{name}.py": "" for name in ("boot", "objects", "capability", "riscv64/csr")}
    assert found_in(tmp_path, {**rooms, file: text}) == []


@pytest.mark.parametrize(
    "file, text, message",
    [
        (
            "metal/types.py",
            "import os\nfrom pith.abi import numbers\n",
            "2: `pith.metal.types` imports `pith.abi`, which stands above it",
        ),
        (
            "runtime/ipc.py",
            "from pith.kernel.endpoint import send\n",
            "1: `pith.runtime.ipc` imports `pith.kernel.endpoint`, which stands beside it",
        ),
        (
            "services/pager.py",
            "def late():\n    from ..machine import hosted\n",
            "2: `pith.services.pager` imports `pith.machine`, which stands beside it",
        ),
        (
            "__init__.py",
            "from pith.metal import types\n",
            "1: `pith` imports `pith.metal`, which stands above it",
        ),
        (
            "kernel/endpoint.py",
            "import os\n",
            "1: the kernel may not import `os`: only pith.metal, pith.abi, typing and enum",
        ),
        (
            "kernel/endpoint.py",
            "from pith import UserError\n",
            "1: the kernel may not import `pith`: only pith.metal, pith.abi, typing and enum",
        ),
        (
            "kernel/endpoint.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .thread import Thread\n",
            "3: `endpoint` uses `thread`, which stands below it in the kernel's list of rooms",
        ),
        (
            "kernel/riscv64/csr.py",
            "from pith.kernel import endpoint\n",
            "1: `riscv64.csr` uses `endpoint`, which stands below it in the kernel's list of rooms",
        ),
        (
            "kernel/__init__.py",
            "from . import endpoint\n",
            "1: `__init__` uses `endpoint`, which stands below it in the kernel's list of rooms",
        ),
        ("kernel/attic.py", "", "1: the kernel's list of rooms does not name `attic`"),
        ("cli/main.py", "import pith.cellar\n", "1: `pith.cellar` stands on no floor"),
        ("cellar/wine.py", "import pith.metal\n", "1: `pith.cellar` stands on no floor"),
        ("lab/broken.py", "x = 1\nimport\n", "2: not Python: invalid syntax"),
    ],
)
def test_an_import_that_does_not_go_down_is_named(tmp_path: Path, file: str, text: str, message: str) -> None:
    rooms = {"kernel/endpoint.py": "", "kernel/thread.py": ""}
    assert found_in(tmp_path, {**rooms, file: text}) == [f"{file}:{message}"]


def test_each_violation_names_a_remedy(tmp_path: Path) -> None:
    found_in(tmp_path, {"metal/types.py": "import pith.kernel\n"})
    (violation,) = floors.violations(tmp_path)
    assert str(violation).splitlines()[1] == (
        "    try: move what both need to a floor below, or pass it in from above `pith.kernel`"
    )
