"""From QEMU's log to a row's instructions, and from these to functions, stacks and a drawing."""

import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

from pith import UserError
from pith.lab.bench.flame import flame_graph, tree
from pith.lab.bench.log import Privilege, Step, Trace, chosen, cut_samples, cut_stretches, retired
from pith.lab.bench.profile import Follower, Profile, is_call, is_return, profile
from pith.lab.bench.profile_text import headline
from pith.lab.bench.rows import Row
from pith.lab.bench.symbols import UNKNOWN, Line

USER, KERNEL, FIRMWARE = Privilege
BEGINS, ENDS, STAMP = 0x100, 0x104, 0x200
CALL, RETURN, JUMP, NOTHING = 0x0000_00EF, 0x8082, 0x0000_006F, 0x13


def executed(address: int, privilege: Privilege = KERNEL) -> str:
    """A line as QEMU writes it under `-d exec,nochain -singlestep`."""
    return (
        f"Trace 0: 0x7f76e057f5c0 [0000000000000000/{address:016x}/{0x0020D000 | privilege:08x}/ff020201] f\n"
    )


def trapped(cause: int, *, interrupt: bool = False) -> str:
    return f"riscv_cpu_do_interrupt: hart:0, async:{int(interrupt)}, cause:{cause:016x}, epc:0x0, tval:0x0, desc=x\n"


def addresses(*lines: str) -> list[int]:
    return [step.address for step in retired(lines)]


def test_each_line_is_an_instruction_with_its_privilege() -> None:
    lines = [executed(0x1000, USER), executed(0xFFFF_FFFF_8020_0000), executed(0x8000_0400, FIRMWARE)]
    assert list(retired(lines)) == [
        Step(0x1000, USER),
        Step(0xFFFF_FFFF_8020_0000, KERNEL),
        Step(0x8000_0400, FIRMWARE),
    ]


def test_what_faulted_did_not_retire_but_a_system_call_did() -> None:
    assert addresses(executed(1), trapped(13), executed(2)) == [2]
    assert addresses(executed(1), trapped(8), executed(2)) == [1, 2]
    assert addresses(executed(1), trapped(13, interrupt=True), executed(2)) == [1, 2]


@pytest.mark.parametrize(
    "notice",
    ["Stopped execution of TB chain before 0x7f [2] f\n", "cpu_io_recompile: rewound execution of TB to 2\n"],
)
def test_what_QEMU_logs_twice_counts_once(notice: str) -> None:
    assert addresses(executed(1), executed(2), notice, executed(2), executed(3)) == [1, 2, 3]


def test_the_registers_of_an_instruction_are_those_that_stand_behind_it_in_the_log() -> None:
    dump = [
        " pc       0000000000000001\n",
        " satp     80001000000802c4\n",
        " x0/zero  0000000000000000 x1/ra    000000000001298e\n",
    ]
    first, second = retired([executed(1), *dump, executed(2), dump[1].replace("4", "5"), dump[2]])
    assert (first.registers, first.space) == ([0, 0x1298E], 0x8000_1000_0008_02C4)
    assert second.space == 0x8000_1000_0008_02C5


class FakeSymbols:
    """A kernel of three functions: `handle` from 0, `send` from 100, into which `check` was inlined from 150."""

    path = None

    def __init__(self, instructions: dict[int, int] | None = None) -> None:
        self.instructions = instructions or {}

    def address_of(self, name: str) -> int:
        return {"sample_begins": BEGINS, "sample_ends": ENDS}[name]

    def frames(self, address: int) -> list[str]:
        return ["pith.kernel.handle"] if address < 100 else ["send"] if address < 150 else ["send", "check"]

    def line(self, address: int) -> Line | None:
        return Line("kernel/send.py", address) if address >= 100 else None

    def instruction(self, address: int) -> int:
        return self.instructions.get(address, NOTHING)


def sample() -> list[Step]:
    """There: 3 instructions of the kernel's, then 2 of the user's own, and back: 2."""
    there = [Step(0x204, USER), Step(10, KERNEL), Step(110, KERNEL), Step(160, KERNEL)]
    back = [Step(0x304, USER), Step(20, KERNEL)]
    stamp = Step(STAMP, USER)
    return [stamp, *there, stamp, Step(0x300, USER), stamp, *back, stamp]


def test_a_sample_lies_between_its_marks_and_only_the_last_two_are_kept() -> None:
    steps = [Step(1, USER)]
    for number in range(10, 14):
        steps += [Step(BEGINS, USER), Step(number, KERNEL), Step(ENDS, USER), Step(2, USER)]
    steps += [Step(BEGINS, USER), Step(99, KERNEL)]  # broken off
    found = cut_samples(steps, FakeSymbols())  # type: ignore[arg-type]
    assert found == [[Step(BEGINS, USER), Step(number, KERNEL)] for number in (12, 13)]


def test_a_stretch_leads_from_stamp_to_stamp_through_the_kernel() -> None:
    assert cut_stretches(sample(), {STAMP}) == [range(1, 5), range(8, 10)]


@pytest.mark.parametrize(
    "row, length",
    [
        (Row("r", "", 9), 4),
        (Row("r", "", 9, stretches=(1,)), 2),
        (Row("r", "", 9, stretches=(0, 1)), 6),
        (Row("r", "", 9, stretches=(0, 1), with_user=True), 9),
    ],
)
def test_a_row_chooses_its_stretches(row: Row, length: int) -> None:
    assert len(chosen(row, sample(), cut_stretches(sample(), {STAMP}))) == length


def test_a_row_whose_stretches_are_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="the log of r does not show all of it"):
        chosen(Row("r", "", 9, stretches=(2,)), sample(), cut_stretches(sample(), {STAMP}))


@pytest.mark.parametrize(
    "instruction, call, back",
    [
        (0x0000_00EF, True, False),  # jal ra
        (0x0000_006F, False, False),  # j
        (0x0005_00E7, True, False),  # jalr ra, a0
        (0x9502, True, False),  # c.jalr a0
        (0x8502, False, False),  # c.jr a0
        (0x8082, False, True),  # c.jr ra
        (0x0000_8067, False, True),  # ret
        (0x9002, False, False),  # c.ebreak
    ],
)
def test_calls_and_returns(instruction: int, call: bool, back: bool) -> None:
    assert (is_call(instruction), is_return(instruction)) == (call, back)


def stacks(steps: list[Step], instructions: dict[int, int]) -> list[tuple[str, ...]]:
    symbols = FakeSymbols(instructions)
    follower = Follower(symbols, symbols)  # type: ignore[arg-type]
    return [follower.follow(step) for step in steps]


def test_calls_open_frames_and_returns_close_them() -> None:
    steps = [Step(address, KERNEL) for address in (0, 4, 100, 160, 8)]
    assert stacks(steps, {4: CALL, 160: RETURN}) == [
        ("kernel", "handle"),
        ("kernel", "handle"),
        ("kernel", "handle", "send"),
        ("kernel", "handle", "send", "check"),
        ("kernel", "handle"),
    ]


def test_a_jump_into_another_function_takes_the_place_of_the_frame() -> None:
    steps = [Step(0, KERNEL), Step(100, KERNEL)]
    assert stacks(steps, {0: JUMP}) == [("kernel", "handle"), ("kernel", "send")]


def test_the_firmware_stands_on_its_caller_and_a_trap_begins_anew() -> None:
    steps = [Step(0, KERNEL), Step(7, FIRMWARE), Step(4, KERNEL), Step(100, USER), Step(100, KERNEL)]
    assert stacks(steps, {}) == [
        ("kernel", "handle"),
        ("kernel", "handle", "firmware"),
        ("kernel", "handle"),
        ("user", "send"),
        ("kernel", "send"),
    ]


def profiled() -> Profile:
    steps = [Step(address, KERNEL) for address in (0, 4, 100, 160, 160)] + [Step(0x300, USER)]
    symbols = FakeSymbols({4: CALL})
    return profile(Trace(Row("r", "", 9), steps, 6), symbols, symbols)  # type: ignore[arg-type]


def test_a_profile_counts_every_instruction_once() -> None:
    found = profiled()
    assert found.total == sum(found.functions.values()) == sum(found.stacks.values()) == 6
    assert found.functions == Counter({"handle": 2, "check": 3, "send": 1})
    assert found.lines == Counter({Line("kernel/send.py", 160): 2, Line("kernel/send.py", 100): 1})
    assert found.cache_lines == 3  # addresses 0-63, 64-127, 128-191
    assert headline(found) == "r: 6 instructions, the kernel's in 3 cache lines of 64 bytes"
    assert "; the counter says 7" in headline(found._replace(counted=7))


def test_a_frame_is_as_wide_as_all_that_stands_on_it() -> None:
    root = tree(profiled())
    kernel = root.callees["kernel"]
    assert (root.total, kernel.total, kernel.callees["handle"].total) == (6, 5, 5)
    assert kernel.callees["handle"].callees["send"].callees["check"].total == 2
    assert root.depth() == 5


def test_the_flame_graph_is_a_drawing_of_it() -> None:
    root = ElementTree.fromstring(flame_graph(profiled()))
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "handle: 5 instructions, 83.3%" in titles
    assert UNKNOWN not in titles
