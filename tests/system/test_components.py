"""Building programs: what the ELF looks like, what is told when a file is unfit, archives, the examples on both machines."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pith import UserError
from pith.machine import elf
from pith.metal import Array, u8
from pith.runtime import archive as reading
from pith.runtime.elf import check
from pith.system import archive
from pith.system.components import IMAGE_ADDRESS, build_program, build_system
from tests import arena

EXAMPLES = Path(__file__).parents[2] / "examples"
HELLO = EXAMPLES / "hello.py"
BASE = 0x7000_0000
Bytes = Array[u8]


def in_memory(data: bytes) -> int:
    """Put bytes where metal code can read them; their address."""
    arena.attach(BASE, len(data), data)
    return BASE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hello.py", "hello.c", "two_threads.py"])
def test_an_example_builds_into_an_elf_with_separate_rights(name: str) -> None:
    program = elf.read(build_program(EXAMPLES / name))
    assert program.segments[0].virtual == IMAGE_ADDRESS
    pages = [range(s.virtual // 4096, -(-s.end // 4096)) for s in program.segments]
    assert all(a.stop <= b.start for a, b in pairwise(pages))
    assert program.segments[0].size == 32768 and not program.segments[0].data, "the stack is the lowest"


IN_C = "#include <pith.h>\n{}void pith_main(const struct pith_bootinfo *info) {{ (void)info; }}\n"
IN_PYTHON = """
from typing import Final
from pith.abi.bootinfo import BootInfo
from pith.metal import export
{}
@export("pith_main")
def main(info: BootInfo) -> None:
    return
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("large.c", IN_C.format("PITH_STACK_BYTES(65535);\n")),
        ("large.py", IN_PYTHON.format("STACK_BYTES: Final = 65535")),
    ],
)
def test_a_program_chooses_the_size_of_its_stack_and_who_builds_it_may_overrule(
    tmp_path: Path, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert elf.read(build_program(file)).segments[0].size == 65536
    assert elf.read(build_program(file, 100_000)).segments[0].size == 25 * 4096
    with pytest.raises(UserError, match="a stack cannot have 0 bytes"):
        build_program(file, 0)


def test_a_stack_of_a_size_that_is_no_number_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.py"
    file.write_text(IN_PYTHON.format("STACK_BYTES: Final = '64K'"))
    with pytest.raises(UserError, match="a stack cannot have '64K' bytes"):
        build_program(file)


@pytest.mark.parametrize("name", ["hello.py", "hello.c"])
def test_the_loader_takes_what_the_build_makes_stripped_or_not(name: str) -> None:
    whole = build_program(EXAMPLES / name).read_bytes()
    loaded = archive.stripped(whole)
    assert len(loaded) < len(whole)
    for image in (whole, loaded):
        check(Bytes.at(in_memory(image), len(image)))


def test_a_program_without_main_is_told_what_to_write(tmp_path: Path) -> None:
    file = tmp_path / "mainless.py"
    file.write_text("x = 1\n")
    with pytest.raises(UserError, match="no function that is exported as `pith_main`") as caught:
        build_program(file)
    assert "@export" in caught.value.remedy


def test_a_symbol_that_nobody_defines_is_named(tmp_path: Path) -> None:
    file = tmp_path / "unlinked.py"
    file.write_text(
        "from pith.metal import export, machine\n\n\n"
        '@export("pith_main")\ndef main() -> None:\n    machine.store_u64(machine.static_address("nowhere"), 1)\n'
    )
    with pytest.raises(UserError, match="undefined symbol: nowhere"):
        build_program(file)


FILES = {"first": b"abc", "second-of-them": bytes(range(256)) * 40, "empty": b""}


@pytest.mark.parametrize("name", FILES)
def test_a_packed_file_is_found_again(name: str) -> None:
    start = in_memory(archive.pack(FILES))
    found = reading.find(start, name)
    assert bytes(found) == FILES[name]
    assert found.address % 4096 == 0


@pytest.mark.parametrize("name", ["", "firs", "first2", "second-of-the", "x" * 24])
def test_other_names_are_not_in_the_archive(name: str) -> None:
    start = in_memory(archive.pack(FILES))
    with pytest.raises(reading.NotInArchive):
        reading.find(start, name)


def test_what_is_no_archive_has_nothing_in_it() -> None:
    with pytest.raises(reading.NotInArchive):
        reading.find(in_memory(bytes(64)), "first")


@pytest.mark.parametrize("name", ["", "n" * 24])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a program"):
        archive.pack({name: b""})


@pytest.mark.slow
def test_a_system_carries_its_components(tmp_path: Path) -> None:
    initial = tmp_path / "carrier.py"
    initial.write_text(
        "from pith.metal import export, machine\nfrom pith.runtime.archive import NotInArchive, find\n"
        "from pith.runtime.console import write\n\n\n"
        '@export("pith_main")\ndef main() -> None:\n    try:\n'
        "        write(f\"{len(find(machine.static_address('pith_archive'), 'hello'))}\\n\")\n"
        '    except NotInArchive:\n        write("none\\n")\n'
    )
    component = archive.stripped(build_program(HELLO).read_bytes())
    packed = archive.pack({"hello": component})
    data = b"".join(s.data for s in elf.read(build_system(initial, {"hello": HELLO})).segments)
    assert packed in data


def test_a_c_program_without_main_is_the_users_to_mend(tmp_path: Path) -> None:
    source = tmp_path / "nothing.c"
    source.write_text("void nothing(void) {}\n")
    with pytest.raises(UserError, match="undefined symbol: pith_main"):
        build_program(source)


def test_an_endless_device_is_no_program() -> None:
    with pytest.raises(UserError, match="no regular file"):
        elf.read(Path("/dev/zero"))
