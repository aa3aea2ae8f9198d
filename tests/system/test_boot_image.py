"""The boot image and the loader: what a kernel finds when it is entered, and what cannot be an image."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from pith import UserError
from pith.machine import Ending, board, elf
from pith.machine import image as boot_image
from pith.machine.elf import Segment
from pith.machine.qemu import QemuMachine
from pith.system import image
from pith.system.assembler import machine_code
from tests.patience import ENOUGH

ENTRY = board.KERNEL_PHYSICAL + board.KERNEL_OFFSET

# A kernel that prints a0..a7 and the first four bytes of the device tree, and ends with a user's status.
SHOWS_REGISTERS = f"""
    auipc sp, 1
    mv s0, a0
    mv s1, a1
    mv s2, a2
    mv s3, a3
    mv s4, a4
    mv s5, a5
    mv s6, a6
    mv s7, a7
    mv a0, s0
    call show
    mv a0, s1
    call show
    mv a0, s2
    call show
    mv a0, s3
    call show
    mv a0, s4
    call show
    mv a0, s5
    call show
    mv a0, s6
    call show
    mv a0, s7
    call show
    li t0, {board.WINDOW_OFFSET}
    add t0, t0, s4
    lwu a0, (t0)
    call show
    li t0, {board.WINDOW_OFFSET + board.TEST_DEVICE.base}
    li t1, 0x2a3333
    sw t1, (t0)
1:  j 1b

show:                           # sixteen digits and a space
    mv s8, a0
    li s9, 16
2:  srli a0, s8, 60
    slli s8, s8, 4
    li t0, 10
    blt a0, t0, 3f
    addi a0, a0, 39
3:  addi a0, a0, 48
    li a7, 1
    ecall
    addi s9, s9, -1
    bnez s9, 2b
    li a0, 32
    li a7, 1
    ecall
    ret
"""


def write_program(path: Path, code: bytes, address: int = 0x10000, zeros: int = 0, entry: int = 0) -> Path:
    part = Segment(address, address, code, len(code) + zeros)
    path.write_bytes(elf.write(entry or address, [part], part._replace(size=0)))
    return path


def write_kernel(path: Path, text: str, zeros: int = 0) -> Path:
    code = machine_code(text)
    part = Segment(ENTRY, board.KERNEL_PHYSICAL, code, len(code) + zeros)
    path.write_bytes(elf.write(ENTRY, [part], part._replace(size=0)))
    return path


def test_small_assembly_may_jump_within_itself() -> None:
    over_a_word = machine_code("j 1f\n.word 0x12345678\n1: nop")
    assert over_a_word[-6:-2] == bytes.fromhex("78563412")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write_program(tmp_path / "program.elf", machine_code("ecall") + b"\xaa" * 0x1234, zeros=0x5000)


def test_the_image_says_where_everything_is(tmp_path: Path, program: Path) -> None:
    kernel = write_kernel(tmp_path / "kernel.elf", "nop", zeros=0x2000)
    built = image.build(tmp_path / "image.elf", program, kernel)
    start = board.KERNEL_PHYSICAL + 0x3000
    assert built.table == boot_image.Table(
        user_start=start + 0x4000,
        user_end=start + 0x4000 + 0x7000,
        user_offset=start + 0x4000 - 0x10000,
        user_entry=0x10000,
        kernel_entry=ENTRY,
        tree=start,
        kernel_start=board.KERNEL_PHYSICAL,
        kernel_end=start,
    )
    assert built.user_data == machine_code("ecall") + b"\xaa" * 0x1234
    assert boot_image.read(tmp_path / "image.elf") == built


def test_the_same_inputs_make_the_same_image(tmp_path: Path, program: Path) -> None:
    kernel = write_kernel(tmp_path / "kernel.elf", "nop")
    image.build(tmp_path / "one.elf", program, kernel)
    image.build(tmp_path / "two.elf", program, kernel)
    assert (tmp_path / "one.elf").read_bytes() == (tmp_path / "two.elf").read_bytes()


@pytest.mark.qemu
@pytest.mark.parametrize("mebibytes", [64, 3072])
def test_the_kernel_is_entered_as_the_protocol_says(tmp_path: Path, program: Path, mebibytes: int) -> None:
    kernel = write_kernel(tmp_path / "kernel.elf", SHOWS_REGISTERS, zeros=0x2000)
    built = image.build(tmp_path / "image.elf", program, kernel)
    with QemuMachine(built, memory=mebibytes << 20) as machine:
        assert machine.run(seconds=ENOUGH) is Ending.EXIT
        assert machine.exit_status == 42
        words = [int(word, 16) for word in re.findall(r"[0-9a-f]{16} ", machine.output)[-9:]]
    table = built.table
    tree_size = words[5]
    assert words[:5] == [table.user_start, table.user_end, table.user_offset, 0x10000, table.tree]
    assert 0x1000 < tree_size < boot_image.ROOM_FOR_TREE
    assert words[6:] == [0, 0, int.from_bytes(b"\xd0\x0d\xfe\xed", "little")]


@pytest.mark.qemu
def test_qemu_refuses_an_image_without_a_kernel(tmp_path: Path, program: Path) -> None:
    built = image.build(tmp_path / "image.elf", program, None)
    with pytest.raises(UserError, match="no compiled kernel") as caught:
        QemuMachine(built)
    assert "--machine hosted" in caught.value.remedy


def header(
    machine: int = 243,
    kind: int = 2,
    size_class: int = 2,
    count: int = 1,
    entry: int = 0x10000,
    order: int = 1,
) -> bytes:
    identity = b"\x7fELF" + bytes([size_class, order, 1]) + bytes(9)
    return struct.pack(
        f"{'<' if order == 1 else '>'}16sHHIQQQIHHHHHH",
        identity,
        kind,
        machine,
        1,
        entry,
        64,
        0,
        0,
        64,
        56,
        count,
        0,
        0,
        0,
    )


def part(offset: int = 120, address: int = 0x10000, file_size: int = 4, memory_size: int = 4) -> bytes:
    return struct.pack("<IIQQQQQQ", 1, 7, offset, address, address, file_size, memory_size, 4096)


BROKEN = {
    "text": (b"#!/bin/sh\n", "is not an ELF file"),
    "empty": (b"", "is not an ELF file"),
    "cut in the header": (header()[:40], "its header is cut off"),
    "cut in the table": (header(count=3) + part(), "program headers are missing or cut off"),
    "cut in the data": (header() + part(file_size=100, memory_size=100) + bytes(4), "0x10000 is cut off"),
    "x86-64": (header(machine=62) + part() + bytes(4), "built for x86-64, not for riscv64"),
    "unknown machine": (header(machine=999) + part() + bytes(4), "machine number 999"),
    "riscv32": (header(size_class=1) + part() + bytes(4), "built for riscv32, not for riscv64"),
    "big-endian": (header(order=2) + part() + bytes(4), "built for big-endian riscv64, not for riscv64, which is little-"),
    "big-endian, 32 bits": (header(order=2, size_class=1) + part(), "built for big-endian riscv32, not for riscv64"),
    "another big-endian": (header(20, order=2, size_class=1) + part(), "built for big-endian PowerPC, not for"),
    "no byte order": (header(order=3) + part() + bytes(4), "its header names no known class or byte order"),
    "no class": (header(size_class=7) + part() + bytes(4), "its header names no known class or byte order"),
    "shared": (header(kind=3) + part() + bytes(4), "position-independent"),
    "object": (header(kind=1) + part() + bytes(4), "an object file"),
    "nothing": (header(count=1) + part(memory_size=0, file_size=0) + bytes(4), "nothing to load"),
    "impossible": (header() + part(file_size=4, memory_size=2) + bytes(4), "an impossible size"),
    "wraps": (header() + part(address=(1 << 64) - 2) + bytes(4), "an impossible size"),
    "overlap": (header(count=2) + part(offset=176) + part(offset=176, address=0x10002) + bytes(8), "two parts overlap"),
    "entry": (header(entry=0x20000) + part() + bytes(4), "begins at 0x20000, where nothing is loaded"),
    "too high": (
        header(entry=0x3F_FFFF_F000) + part(address=0x3F_FFFF_F000) + bytes(4), "a program's addresses end at 0x3ffffff000"
    ),
    "too far apart": (
        header(count=2) + part(offset=176) + part(offset=176, address=0x20_0000_0000) + bytes(8), "is one piece"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_an_unfit_program_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, complaint = BROKEN[case]
    file = tmp_path / "bad.elf"
    file.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(complaint)) as caught:
        image.build(tmp_path / "image.elf", file, None)
    assert str(file) in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "image.elf").exists()


@pytest.mark.parametrize("suffix", [".py", ".c"])
def test_a_source_is_to_be_run(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"program{suffix}"
    file.write_text("")
    with pytest.raises(UserError, match="is not an ELF file") as caught:
        image.build(tmp_path / "image.elf", file, None)
    assert caught.value.remedy == f"pith run {file}"


def test_a_program_is_no_kernel(tmp_path: Path, program: Path) -> None:
    with pytest.raises(UserError, match="is not a kernel"):
        image.build(tmp_path / "image.elf", program, program)


def test_a_program_is_no_boot_image(program: Path) -> None:
    with pytest.raises(UserError, match="not a boot image") as caught:
        boot_image.read(program)
    assert "pith boot --initial" in caught.value.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        image.build(tmp_path / "image.elf", tmp_path / "absent", None)
