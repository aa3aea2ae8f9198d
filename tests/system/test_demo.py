"""The demonstration on both machines: the story that it tells, each command of its prompt, and how it ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pith.machine import Ending, Machine
from pith.system.archive import pack, section
from pith.system.components import build_python
from pith.system.demo import INITIAL
from tests.patience import ENOUGH
from tests.system.conftest import MEMORY, Start

PROMPT = "pith> "
COLOURS = re.compile(r"\x1b\[\d+m")


def plain(text: str) -> str:
    """Text without colours, and with the line ends of files."""
    return COLOURS.sub("", text).replace("\r\n", "\n")


def ask(machine: Machine, command: str) -> list[str]:
    """Type a command at the prompt; the lines of its answer."""
    machine.send(command + "\r")
    echo, *answer, prompt = plain(machine.wait_for(PROMPT)).split("\n")
    assert prompt == PROMPT
    assert echo.endswith(command), "what is typed is shown"
    return answer


STORY = """\
Pith: a microkernel, and programs that need not trust each other
  initial   I am the first program.
1  A device driver is an ordinary program
   It can crash without taking the system along,
  initial   I made uart:
2  Memory on demand
   The kernel has no opinion about memory:
  initial   I made pager, which owns 64 KiB, and explorer, whose page faults go to pager as messages.
  explorer  I write 1 at 0x1000000000, where I have no memory.
  pager     a page fault at 0x1000000000: I map one of my pages there.
  explorer  I write 2 at 0x1000200000, where I have no memory.
  pager     a page fault at 0x1000200000: I map one of my pages there.
  explorer  I write 3 at 0x1000400000, where I have no memory.
  pager     a page fault at 0x1000400000: I map one of my pages there.
  explorer  I read all 3 again; their sum is 6. I noticed nothing.
3  Programs share what they hand over, and nothing else
   A capability is the right to one object,
  initial   I made server.
  initial   I made client,
  client    I call the server with the number 41. It answers 42.
  client    I write "hello from an isolated world" into a page of mine, and hand the page to the server.
  server    I was handed a page.
  server    I was handed a bell (a notification).
  server    I made 24 letters in the page capitals, and rang the bell.
  client    The bell rang. My page now says "HELLO FROM AN ISOLATED WORLD".
4  A program breaks, and nothing else does
   All that a program is made of was cut from one piece of memory:
  initial   I start "faulty": a C program that reads memory it does not have.
  faulty    I follow a pointer that I forgot to set ...
  kernel    I stop faulty, and send initial a message in its name: it read memory that it does not have.
  initial   I revoke its memory:
  initial   I ask server what 1 and 1 is. It answers 2: the others go on.
That was all. Now it is your turn: type help.
"""


@pytest.mark.slow
def test_the_story_is_told_line_by_line(start: Start) -> None:
    told = plain(start().wait_for(PROMPT)).split("\n")
    lines = iter(line for line in told if line and not line.startswith(" " * 12))
    for expected in STORY.splitlines():
        line = next(lines)
        while expected.startswith("Pith:") and not line.startswith("Pith:"):
            line = next(lines)  # the firmware's and the kernel's own lines
        assert line.startswith(expected)
    assert list(lines) == [PROMPT]


@pytest.mark.slow
def test_the_prompt_answers_every_command(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    check_ps(ask(machine, "ps"))
    check_caps(ask(machine, "caps"))
    check_mem(ask(machine, "mem"))
    check_ipc(ask(machine, "ipc"))
    assert [line.split()[0] for line in ask(machine, "help")] == ["ps", "caps", "mem", "ipc", "fault", "halt"]
    assert ask(machine, "dir") == ['  There is no command "dir". Type help to see what there is.']
    assert ask(machine, "psx") == ['  There is no command "psx". Type help to see what there is.']
    assert ask(machine, "") == []
    assert ask(machine, "  ps  ")[0].split()[0] == "program"


def check_ps(lines: list[str]) -> None:
    assert lines[0].split() == ["program", "state", "priority", "time", "used", "memory"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:8]}
    states = {name: row[0] for name, row in rows.items()}
    assert states == {
        "initial": "running",
        "uart": "serving",
        "pager": "serving",
        "explorer": "finished",
        "server": "serving",
        "client": "finished",
        "faulty": "killed",
    }
    assert rows["server"][2] == "passive"
    assert int(rows["uart"][2]) > 0, "the driver has used time"
    assert rows["faulty"][-2:] == ["0", "KiB"]
    assert len({len(line) for line in lines[2:8]}) == 1, "the columns are aligned"


def check_caps(lines: list[str]) -> None:
    owners = [line.split()[0] for line in lines if not line.startswith(" " * 12) and "  slot  1" in line]
    assert owners == ["uart", "pager", "explorer", "server", "client"]
    assert sum("report to initial" in line for line in lines) == 5
    assert sum("print through uart" in line for line in lines) == 4
    assert sum("interrupt 10" in line for line in lines) == 1, "only the driver has the interrupt"


def check_mem(lines: list[str]) -> None:
    whole = re.search(r"handed over (\d+) MiB in \d+ untypeds, and \d+ untypeds of device", lines[0])
    assert whole and MEMORY >> 20 > int(whole[1]) > (MEMORY >> 20) - 16
    used = {line.split()[0]: int(line.split()[1]) for line in lines[2:8]}
    assert set(used) == {"uart", "pager", "explorer", "server", "client", "faulty"}
    assert used["faulty"] == 0 and all(used[name] > 32 for name in used if name != "faulty")


def check_ipc(lines: list[str]) -> None:
    costs = [line.split()[-2:] for line in lines[1:4]]
    instructions = [int(row[0]) for row in costs]
    assert all(100 < count < 20_000 for count in instructions)
    call, signal, look = instructions
    assert look < signal and look < call, "one system call is cheaper than two"
    assert "does not count" not in "".join(lines)


@pytest.mark.slow
def test_programs_that_break_harm_nobody_and_leave_nothing(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    memory = ask(machine, "mem")
    for _ in range(3):
        lines = ask(machine, "fault")
        report = lines.index(
            "  kernel    I stop faulty, and send initial a message in its name: it read memory that it does not have."
        )
        decoded = r" {12}label 6, page fault: pc 0x1[0-9a-f]+, address 0x8, fetch 0, status 5"
        assert re.fullmatch(decoded, lines[report + 1])
        assert lines[-1].endswith("It answers 2: the others go on.")
    assert ask(machine, "mem") == memory


@pytest.mark.slow
def test_a_line_can_be_edited(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    for typed in ("pz\x7fs\r", "rubbish\x15ps\r", "\x08\x08ps\r", "x" * 100 + "\x15ps\n"):
        machine.send(typed)
        assert "server      serving" in plain(machine.wait_for(PROMPT))


@pytest.mark.slow
def test_arrows_bring_back_lines_and_other_escape_sequences_are_no_text(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    up, down, right, delete, home = "\x1b[A", "\x1bOB", "\x1b[C", "\x1b[3~", "\x1b[1;5H"
    lines = (
        (f"{up}{down}old{right}{delete}{home}\r", "old"),
        ("new\r", "new"),
        (f"{up}{up}{up}\r", "old"),
        (f"{up}{up}er\r", "newer"),
        (f"half{up}{down}whole\r", "whole"),
    )
    for typed, carried_out in lines:
        machine.send(typed)
        assert f'no command "{carried_out}"' in plain(machine.wait_for(PROMPT))


@pytest.mark.slow
def test_a_burst_of_characters_loses_none(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    burst = "0123456789" * 30
    machine.send(f"{burst}\r" + "y" * 520 + "\x15ps\r")
    assert f'no command "{burst}"' in plain(machine.wait_for(PROMPT))
    answer = machine.wait_for(PROMPT)
    assert answer.count("\x07") == 520 - 512, "it rings for what a line has no room for"
    assert "server      serving" in plain(answer)


@pytest.mark.slow
def test_lines_typed_ahead_are_carried_out_in_turn(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    machine.send("bye\rhelp\rhello\r")
    answers = [plain(machine.wait_for(PROMPT)) for _ in range(3)]
    assert 'no command "bye"' in answers[0]
    assert "switch the machine off" in answers[1]
    assert 'no command "hello"' in answers[2]


def test_halt_ends_the_machine_with_status_0(start: Start) -> None:
    machine = start()
    machine.wait_for(PROMPT)
    machine.send("halt\r")
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert machine.exit_status == 0
    assert plain(machine.output).endswith("Good bye.\n")


@pytest.mark.slow
def test_an_image_that_lacks_a_component_says_so_and_ends_with_status_1(start: Start, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(pack({"other": bytes(100)}))
    machine = start(build_python(INITIAL, section(tmp_path / "archive")))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert machine.exit_status == 1
    assert "initial: a component is missing in my image" in plain(machine.output)


@pytest.mark.slow
def test_a_component_that_is_no_program_is_refused(start: Start, tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(pack({"uart": b"\x7fELF" + bytes(100)}))
    machine = start(build_python(INITIAL, section(tmp_path / "archive")))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    assert machine.exit_status == 1
    assert "initial: a component is not a proper program: reason 3" in plain(machine.output)
