"""`pith boot`: which machine is chosen, and which options are refused with what words."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pith import UserError
from pith.cli.boot import MachineName, call_names, choose_machine, spell_out_pdb
from pith.cli.start import gdb_command
from tests.cli.conftest import Pith

GOOD_QEMU = """
case $1 in
    --version) echo "QEMU emulator version 8.2.1" ;;
    -machine) echo "virt   RISC-V VirtIO board" ;;
esac
"""
OLD_QEMU = 'echo "QEMU emulator version 6.2.0"'

FakeTool = Callable[[str, str], None]


def chosen(asked: MachineName | None = None, *, pdb: bool = False, gdb: bool = False) -> MachineName:
    return choose_machine(asked, wants_pdb=pdb, wants_gdb=gdb)


def test_qemu_is_the_default_where_it_can_be_used(fake_tool: FakeTool) -> None:
    fake_tool("qemu-system-riscv64", GOOD_QEMU)
    assert chosen() is MachineName.QEMU
    assert chosen(MachineName.HOSTED) is MachineName.HOSTED
    assert chosen(pdb=True) is MachineName.HOSTED
    assert chosen(gdb=True) is MachineName.QEMU


@pytest.mark.parametrize(
    "body, notice",
    [
        (None, "qemu-system-riscv64 is not on PATH"),
        (OLD_QEMU, "QEMU 6.2 is too old: Pith needs 7.2 or later"),
        ('echo "QEMU emulator version 7.2.0"', "QEMU 7.2 has no machine `virt`"),
        ("echo nonsense", "does not say its version"),
    ],
)
def test_without_a_usable_qemu_the_hosted_machine_and_a_notice(
    fake_tool: FakeTool, capsys: pytest.CaptureFixture[str], body: str | None, notice: str
) -> None:
    if body:
        fake_tool("qemu-system-riscv64", body)
    assert chosen() is MachineName.HOSTED
    assert notice in capsys.readouterr().err
    for wish in ({"asked": MachineName.QEMU}, {"gdb": True}):
        with pytest.raises(UserError) as refused:
            chosen(**wish)  # type: ignore[arg-type]
        assert notice in refused.value.message
        assert "--machine hosted" in refused.value.remedy


@pytest.mark.parametrize(
    "options, message",
    [
        (["--pdb", "--gdb"], "--pdb and --gdb exclude each other"),
        (["--pdb", "--machine", "qemu"], "--pdb works on the hosted machine only"),
        (["--gdb", "--machine", "hosted"], "--gdb works on QEMU only"),
        (["--machine", "hosted", "--memory", "lots"], "`lots` is not a size"),
        (["--machine", "hosted", "--memory", "1M"], "a machine cannot have 1M of memory"),
        (["--machine", "hosted", "--memory", "17M"], "a machine cannot have 17M of memory"),
        (["--machine", "hosted", "--memory", "128"], "a machine cannot have 128 bytes of memory"),
        (["--machine", "hosted", "--memory", "64G"], "the hosted machine cannot have 64G of memory: "),
        (["--machine", "hosted", "--icount"], "--icount is for QEMU: "),
        (["--machine", "qemu", "--checked"], "--checked is for the hosted machine: "),
        (["--release", "--complaints", "all"], "a release kernel tells of no failed invocations"),
        (["--machine", "hosted", "--pdb", "Sing"], "there is no system call `Sing`"),
    ],
)
def test_options_that_make_no_sense(pith: Pith, options: list[str], message: str) -> None:
    ended = pith("boot", *options)
    assert ended.code == 2
    assert ended.err.startswith(f"pith: {message}")
    assert "\n  try: " in ended.err


@pytest.mark.parametrize(
    ("name", "meant"), [("Cal", "Call"), ("faul", "fault"), ("DebugPutCh", "DebugPutChar")]
)
def test_a_misspelled_system_call(pith: Pith, name: str, meant: str) -> None:
    ended = pith("boot", "--machine", "hosted", "--pdb", name)
    assert ended.err == f"pith: there is no system call `{name}`\n  try: did you mean {meant}?\n"


def test_an_initial_thread_that_is_not_there(pith: Pith, tmp_path: Path) -> None:
    ended = pith("boot", "--initial", tmp_path / "absent.elf")
    assert ended.code == 1
    assert ended.err.startswith(
        f"pith: {tmp_path}/absent.elf: No such file or directory\n  try: name an ELF file"
    )


def test_gdbs_command_survives_paths_with_spaces_and_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/a clone/.venv/bin/pith"])
    words = shlex.split(
        gdb_command(1234, 1 << 27, Path("/a cache/kernel.elf"), Path("/my programs/it's.elf"))
    )
    assert words[:2] == ["gdb-multiarch", "/a cache/kernel.elf"]
    steps = words[3::2]
    assert words[2::2] == ["-ex"] * len(steps)
    assert "set pith-command '/a clone/.venv/bin/pith'" in steps
    at = steps.index('add-symbol-file "/my programs/it\'s.elf"')
    assert (steps[at - 1], steps[at + 1]) == ("set confirm off", "set confirm on")


@pytest.mark.parametrize(
    "arguments, spelled",
    [
        (["boot", "--pdb"], ["boot", "--pdb=any"]),
        (["boot", "--pdb", "--icount"], ["boot", "--pdb=any", "--icount"]),
        (["boot", "--pdb", "Send"], ["boot", "--pdb", "Send"]),
        (["boot", "--pdb=Send"], ["boot", "--pdb=Send"]),
        (["boot"], ["boot"]),
    ],
)
def test_pdb_may_stand_alone(arguments: list[str], spelled: list[str]) -> None:
    assert spell_out_pdb(arguments) == spelled


def test_system_calls_are_named_as_the_manual_does() -> None:
    assert call_names()[:4] == ["Call", "ReplyRecv", "NBSendRecv", "NBSendWait"]
