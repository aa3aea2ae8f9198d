"""`pith compile` and `pith run`: what they refuse before any work is done."""

from pathlib import Path

import pytest

from tests.cli.conftest import Pith

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_compiling_a_file_that_is_not_there(pith: Pith, tmp_path: Path) -> None:
    ended = pith("compile", tmp_path / "absent.py")
    assert ended.code == 1
    assert (
        ended.err
        == f"pith: {tmp_path}/absent.py: No such file or directory\n  try: name a module in metal Python\n"
    )


def test_running_a_file_that_is_not_there(pith: Pith, tmp_path: Path) -> None:
    ended = pith("run", tmp_path / "absent.c")
    assert ended.code == 1
    assert ended.err.startswith(
        f"pith: {tmp_path}/absent.c: No such file or directory\n  try: name a program"
    )


def test_running_what_is_neither_python_nor_c(pith: Pith) -> None:
    ended = pith("run", "server.elf")
    assert ended.code == 2
    assert ended.err.endswith("  try: for an ELF: pith boot --initial server.elf\n")


def test_two_components_of_one_name(pith: Pith, tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("first.py", "part.py", "part.c")]
    for name in names:
        name.touch()
    ended = pith("build", *names)
    assert ended.code == 1
    assert ended.err == (
        f"pith: {names[1]} and {names[2]} would both be called `part`\n  try: rename one of them\n"
    )


def test_a_first_program_in_c_cannot_start_others(pith: Pith, tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("first.c", "second.c")]
    for name in names:
        name.touch()
    ended = pith("run", *names, "--machine", "hosted")
    assert ended.code == 1
    assert ended.err.endswith("  try: name a program in metal Python first\n")


def test_an_elf_that_has_no_place_is_refused_before_anything_is_compiled(pith: Pith, tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text("no Python")
    for command in ("build", "run"):
        ended = pith(command, program, "-o", tmp_path / "nowhere" / "broken.elf")
        assert ended.code == 1 and "there is no directory" in ended.err


@pytest.mark.slow
def test_what_is_built_is_where_it_was_asked_for_and_boots(
    pith: Pith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "greet.c"
    source.write_text(
        "#include <pith.h>\nvoid pith_main(const struct pith_bootinfo *info)\n"
        '{\n    (void)info;\n    pith_print("here I am\\n");\n    pith_debug_halt();\n}\n'
    )
    assert pith("build", source).out == "greet.elf: to start it: pith boot --initial greet.elf\n"
    assert pith("build", source, "--output", "other.elf", "--release").out.endswith("other.elf --release\n")
    for arguments in (["boot", "--initial", "greet.elf"], ["run", source, "-o", "third.elf"]):
        ended = pith(*arguments, "--machine", "hosted")
        assert ended.code == 0 and "here I am" in ended.out
    assert Path("third.elf").read_bytes() == Path("greet.elf").read_bytes()


@pytest.mark.slow
def test_a_program_that_starts_others_is_told_to_name_them(pith: Pith) -> None:
    ended = pith("run", EXAMPLES / "two_programs.py", "--machine", "hosted")
    assert ended.code == 1
    assert "starts other programs, and none was named with it" in ended.err
    assert ended.err.endswith("  try: name them: two_programs.py FILE…\n")


@pytest.mark.slow
def test_a_fault_tells_the_command_that_stops_there(pith: Pith, tmp_path: Path) -> None:
    source = tmp_path / "wild.c"
    source.write_text(
        "#include <pith.h>\nvoid pith_main(const struct pith_bootinfo *info)\n"
        "{\n    (void)info;\n    *(volatile int *)8 = 1;\n}\n"
    )
    ended = pith("run", source, "--machine", "hosted")
    assert ended.code == 1
    assert f"to stop there: pith run {source} --machine hosted --pdb fault\n" in ended.err


PROGRAM = """
from pith.metal import export, u64


@export("twice")
def twice(number: u64) -> u64:
    return (number + {operand}) & 0xFFFF
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "expected"),
    [("tree", "twice(number: u64)"), ("ir", "twice"), ("llvm", "define"), ("asm", "twice:")],
)
def test_each_stage_is_shown(pith: Pith, tmp_path: Path, stage: str, expected: str) -> None:
    file = tmp_path / "twice.py"
    file.write_text(PROGRAM.format(operand="number"))
    ended = pith("compile", file, "--show", stage)
    assert ended.code == 0
    assert expected in ended.out


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["tree", "ir", "llvm", "asm"])
def test_one_function_is_shown(pith: Pith, tmp_path: Path, stage: str) -> None:
    file = tmp_path / "several.py"
    text = "from pith.metal import noinline, u64\n\n\n"
    for name in ("first", "second", "third_second"):
        text += f"@noinline\ndef {name}(number: u64) -> u64:\n    return number // 3\n\n\n"
    file.write_text(text + "def caller(number: u64) -> u64:\n    return second(first(number))\n")
    for only in ("second", "several.second"):
        shown = pith("compile", file, "--show", stage, "--only", only).out
        assert "several.second" in shown and "first" not in shown and "third" not in shown
    assert "several.caller" in pith("compile", file, "--show", stage, "--only", "several").out
    absent = pith("compile", file, "--show", stage, "--only", "secnd")
    assert absent.code == 1 and absent.err.startswith("pith: the program has no function `secnd`")
    assert "\n  try: one of second" in absent.err


def test_a_mistake_is_told_as_compilers_do(pith: Pith, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(PROGRAM.format(operand="nmber"))
    ended = pith("compile", file)
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert lines[0].endswith("wrong.py:7:22: error: `nmber` is not defined")
    assert lines[-1].startswith("  try: ")


@pytest.mark.parametrize("command", ["build", "run"])
def test_a_source_is_not_written_over(pith: Pith, tmp_path: Path, command: str) -> None:
    file = tmp_path / "precious.py"
    file.write_text(PROGRAM)
    refused = pith(command, file, "-o", file)
    assert refused.code == 2 and "is read, and would be lost" in refused.err
    assert file.read_text() == PROGRAM
