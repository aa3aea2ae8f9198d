"""Messages: every program in `ill_formed/` is one kind of mistake, and has the exact message beside it.

To add a kind, write the program; the message is what `messages_of` says of it, once you agree with it.
"""

from __future__ import annotations

from pathlib import Path
from types import FunctionType

import pytest

from pith.metal.compiler.diagnostics import CompileError
from pith.metal.compiler.reader import import_file, read_program

FOLDER = Path(__file__).parent / "ill_formed"
PROGRAMS = sorted(FOLDER.glob("*.py"))


def messages_of(file: Path) -> str:
    """What the compiler says about a program, read from all its functions."""
    try:
        module = import_file(file)
        read_program(
            [
                f
                for f in vars(module).values()
                if isinstance(f, FunctionType) and f.__module__ == module.__name__
            ]
        )
    except CompileError as error:
        return error.message
    return "no message"


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda f: f.stem)
def test_exact_message(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    assert messages_of(file) + "\n" == file.with_suffix(".txt").read_text()
