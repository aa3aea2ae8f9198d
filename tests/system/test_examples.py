"""The examples do on both machines what they say."""

from pathlib import Path

import pytest

from pith.machine import Ending
from pith.system.components import build_files, build_program
from tests.patience import ENOUGH
from tests.system.conftest import Start

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(("name", "language"), [("hello.py", "metal Python"), ("hello.c", "C")])
def test_hello(name: str, language: str, start: Start) -> None:
    machine = start(build_program(EXAMPLES / name))
    machine.wait_for(f"Hello from user mode, in {language}.")
    assert "8192 slots, of which 81" in machine.wait_for("are empty.")
    assert machine.run(seconds=ENOUGH) is Ending.EXIT


def test_two_threads_pass_a_number_to_and_fro(start: Start) -> None:
    machine = start(build_program(EXAMPLES / "two_threads.py"))
    machine.wait_for("first:  that is enough")
    lines = [line for line in machine.output.splitlines() if line.startswith(("first:", "second:"))]
    expected = [f"{who} {number}" for number in (1, 2, 3) for who in ("second: I send", "first:  got")]
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert lines == [*expected, "second: I send 4", "first:  that is enough"]


def test_two_programs_talk_and_one_is_taken_back(start: Start) -> None:
    machine = start(build_files([EXAMPLES / "two_programs.py", EXAMPLES / "adder.py"]))
    machine.wait_for("40 + 2 is 42")
    machine.wait_for("adder is done; its memory is free again")
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
