"""Which cache lines a path touches, and whose they are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pith.lab.bench.accesses import Access, accesses
from pith.lab.bench.footprint import CacheLine, Footprint, code_lines, data_lines
from pith.lab.bench.kernel_bytes import OBJECTS, Kind, sections
from pith.lab.bench.kernels import own_kernel
from pith.lab.bench.log import Privilege, Step
from pith.lab.bench.memory import MemoryReport
from pith.lab.bench.memory_json import to_json
from pith.lab.bench.memory_text import memory_text
from pith.lab.bench.owners import Owner, Owners, of_image, physical
from tests.cli.conftest import Pith, pith  # noqa: F401

WINDOW, IMAGE, RAM = 0xFFFF_FFC0_0000_0000, 0xFFFF_FFFF_0000_0000, 0x8000_0000
KERNEL, USER = Privilege.KERNEL, Privilege.USER


class Code:
    """Instructions by address; all of them are in `handle`."""

    def __init__(self, instructions: dict[int, int]) -> None:
        self.instructions = instructions

    def instruction(self, address: int) -> int:
        return self.instructions[address]

    def frames(self, address: int) -> list[str]:
        return ["pith.kernel.handle", "inlined"]


def step(address: int, privilege: Privilege = KERNEL, **registers: int) -> Step:
    """A step whose registers are 0 but for those named."""
    values = [registers.get(f"x{number}", 0) for number in range(32)]
    return Step(address, privilege, tuple(f" x{n}/r  {value:016x}\n" for n, value in enumerate(values)))


def test_an_access_is_where_the_registers_say_and_only_the_kernel_s_count() -> None:
    code = Code({0: 0x0085_3503, 4: 0xE108, 6: 0x13})  # ld a0, 8(a0); c.sd a0, 0(a0); nop
    steps = [step(0, x10=0x1000), step(4, x10=0x2000), step(6), step(0, USER, x10=0x3000)]
    assert list(accesses(steps, code, KERNEL)) == [(0x1008, False), (0x2000, True)]  # type: ignore[arg-type]


def test_an_instruction_across_a_border_stands_in_two_lines() -> None:
    code = Code({IMAGE + 0x3C: 0x13, IMAGE + 0x7E: 0x13, IMAGE + 0xFE: 0x8082})
    found = code_lines(code.instructions, code)  # type: ignore[arg-type]
    assert [line.address for line in found] == [0x00, 0x40, 0x80, 0xC0]
    assert {line.contents for line in found} == {("handle",)}


def test_accesses_are_gathered_by_line_and_named_by_owner_and_field() -> None:
    owners = Owners([
        Owner(RAM + 0x1000, RAM + 0x1080, "thread", ((0, "registers"), (0x48, "state"))),
        Owner(RAM + 0x10A0, RAM + 0x10B0, "endpoint"),
    ])  # fmt: skip
    touched = [
        Access(WINDOW + RAM + 0x1000, False),
        Access(WINDOW + RAM + 0x1048, True),
        Access(IMAGE + RAM + 0x1040, False),  # the same memory, seen elsewhere
        Access(WINDOW + RAM + 0x10A8, True),
        Access(WINDOW + RAM + 0x10B8, False),
        Access(WINDOW + 0xC20_1004, False),
    ]
    assert data_lines(touched, owners) == (
        CacheLine(0xC20_1000, ("a device",), 1, 0),
        CacheLine(RAM + 0x1000, ("thread: registers",), 1, 0),
        CacheLine(RAM + 0x1040, ("thread: registers, state",), 1, 1),
        CacheLine(RAM + 0x1080, ("endpoint", "an object"), 1, 1),
    )


def test_the_two_ways_to_see_memory_are_one() -> None:
    assert physical(IMAGE + 0x8020_0000) == physical(WINDOW + 0x8020_0000) == 0x8020_0000


def test_no_object_uses_more_than_it_takes() -> None:
    assert all(0 < item.used <= item.taken for item in OBJECTS)
    assert {item.name: item.taken for item in OBJECTS}["thread (TCB)"] == 2048


def report() -> MemoryReport:
    path = Footprint(
        "call-0.there",
        214,
        0,
        (CacheLine(0x80, ("enter",)), CacheLine(0xC0, ("enter",))),
        (CacheLine(0x1000, ("thread: state",), 1, 2), CacheLine(0x2000, ("stack",), 1, 0)),
    )
    return MemoryReport("Pith", dict.fromkeys(Kind, 1000), (path,))


def shown() -> Iterator[list[str]]:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(memory_text([report()]))
    return (line.split() for line in captured.get().splitlines())


def test_the_tables_show_bytes_counts_and_contents() -> None:
    lines = list(shown())
    assert ["in", "all", "4,000"] in lines
    assert ["call-0.there", "Pith", "214", "2", "2", "1"] in lines
    assert ["0x80", "2", "enter"] in lines
    assert ["0x1000", "1", "1", "2", "thread:", "state"] in lines


def test_json_holds_the_same() -> None:
    found = json.loads(to_json([report()]))
    [kernel] = found["Kernels"]
    assert (kernel["Kernel"], kernel["Bytes"]["code"]) == ("Pith", 1000)
    [path] = kernel["Paths"]
    assert [len(path["Code lines"]), len(path["Data lines"])] == [2, 2]
    assert path["Data lines"][0] == {
        "Address": 0x1000,
        "Contents": ["thread: state"],
        "Loads": 1,
        "Stores": 2,
    }


@pytest.mark.slow
def test_the_kernel_s_own_statics_are_known_by_field() -> None:
    kernel = own_kernel().elf
    size = sections(kernel)
    assert size[Kind.CODE] > 0 and size[Kind.ZEROED] > 0
    owners = list(of_image(kernel))
    [state] = [owner for owner in owners if owner.name == "state.kernel"]
    assert state.part(state.start) == "current"
    assert "stack" in {owner.name for owner in owners}


@pytest.mark.qemu
@pytest.mark.slow
def test_a_call_touches_the_threads_the_endpoint_and_the_reply(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "memory", "call-5.there", "--json")
    assert ended.code == 0, ended.err
    [kernel] = json.loads(ended.out)["Kernels"]
    [path] = kernel["Paths"]
    contents = "; ".join(text for line in path["Data lines"] for text in line["Contents"])
    for touched in ("state.kernel", "thread", "endpoint", "reply", "context", "CNode", "user's page"):
        assert touched in contents
    assert "an object" not in contents
    saved = sum(line["Stores"] for line in path["Data lines"] if "registers" in str(line["Contents"]))
    assert saved >= 25  # those that the caller finds again
    assert sum(line["Stores"] > 0 for line in path["Data lines"]) < len(path["Data lines"])


@pytest.mark.qemu
def test_a_row_that_is_not_there_is_named(pith: Pith) -> None:  # noqa: F811
    ended = pith("bench", "memory", "call-*")
    assert ended.code == 1
    assert "means several rows" in ended.err


def test_a_file_that_is_no_kernel_is_refused(pith: Pith, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "thing"
    file.write_text("hello")
    ended = pith("bench", "memory", "--kernel", file)
    assert ended.code == 1
