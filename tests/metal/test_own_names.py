"""Files of the user's that are named like a module of Python's or of Pith's are the user's own."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pith.metal.compiler import driver
from pith.metal.compiler.diagnostics import CompileError
from pith.metal.compiler.program_key import program_key
from pith.metal.compiler.reader import import_file, read_program

ROOT = Path(__file__).parents[2]
TAKEN = ["queue", "signal", "random", "threading", "timeit", "time", "test", "pith", "typer", "_thread"]
TEXT = """
from pith.metal import u64

def start_second(x: u64) -> u64:
    return x // 2

def main(x: u64) -> u64:
    return start_second(x)
"""


@pytest.fixture(autouse=True)
def leave_modules_as_they_were() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - set(modules):
        if name.endswith("_py") or name in ("own_program", "own_helper"):
            del sys.modules[name]
    sys.path[:] = path


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize("name", TAKEN)
def test_a_program_named_like_a_module(tmp_path: Path, name: str) -> None:
    theirs = importlib.import_module(name)
    module = import_file(write(tmp_path / f"{name}.py", TEXT))
    symbols = {function.symbol for function in read_program([module]).functions}
    assert symbols == {f"{name}_py.main", f"{name}_py.start_second"}
    assert sys.modules[name] is theirs and importlib.import_module(name) is theirs


def test_a_program_of_another_name_goes_by_it(tmp_path: Path) -> None:
    assert import_file(write(tmp_path / "own_program.py", TEXT)).__name__ == "own_program"


@pytest.mark.parametrize("how", ["import queue", "from queue import start_second", "import queue as q"])
def test_what_is_imported_from_beside_is_ones_own(tmp_path: Path, how: str) -> None:
    call = {"import queue": "queue.start_second", "import queue as q": "q.start_second"}.get(
        how, "start_second"
    )
    write(tmp_path / "queue.py", TEXT)
    text = f"{how}\nfrom pith.metal import u64\n\ndef main(x: u64) -> u64:\n    return {call}(x)\n"
    module = import_file(write(tmp_path / "own_program.py", text))
    symbols = {function.symbol for function in read_program([module]).functions}
    assert symbols == {"own_program.main", "queue_py.start_second"}
    before = program_key([module], ())
    (tmp_path / "queue.py").write_text(TEXT + "\n")
    assert program_key([module], ()) != before


def test_pythons_own_files_get_pythons_own_module(tmp_path: Path) -> None:
    """The compiler and what it stands on import `queue` when they need it, after the user's files as well."""
    write(tmp_path / "queue.py", TEXT)
    text = "import concurrent.futures.thread\nimport own_helper\n" + TEXT
    write(tmp_path / "own_helper.py", "import queue\n")
    for name in ("queue", "concurrent.futures.thread"):
        sys.modules.pop(name, None)
    import_file(write(tmp_path / "own_program.py", text))
    assert hasattr(sys.modules["queue"], "SimpleQueue")
    assert hasattr(vars(sys.modules["own_helper"])["queue"], "start_second")
    assert hasattr(sys.modules["concurrent.futures.thread"].queue, "SimpleQueue")


def test_a_package_named_like_pythons_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "email" / "__init__.py", "")
    with pytest.raises(CompileError, match="the folder `email`, is named like one") as caught:
        import_file(write(tmp_path / "email" / "own_program.py", TEXT))
    assert caught.value.diagnostics[0].remedy == "give the folder another name"


def test_what_is_no_python_file(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="this is not a Python file"):
        driver.show_file(write(tmp_path / "program.txt", TEXT), "tree")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["queue", "pith"])
def test_such_a_program_runs(tmp_path: Path, name: str) -> None:
    program = tmp_path / f"{name}.py"
    shutil.copy(ROOT / "examples" / "hello.py", program)
    command = [sys.executable, "-c", "from pith.cli.main import main; main()", "run", program]
    environment = {**os.environ, "PITH_CACHE": str(tmp_path / "cache"), "PYTHONSAFEPATH": "1"}
    ended = subprocess.run(
        [*command, "--machine", "hosted"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stderr) == (0, "") and "Hello from user mode" in ended.stdout
