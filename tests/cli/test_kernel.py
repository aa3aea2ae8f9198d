"""`pith kernel`: the ELF that it writes, and the options that it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from pith.machine import board, device_tree
from tests.cli.conftest import Pith

PITH = [sys.executable, "-c", "from pith.cli.main import main; main()"]


def physical(path: Path, name: str) -> int:
    with path.open("rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".symtab")
        return int(table.get_symbol_by_name(name)[0]["st_value"]) - board.KERNEL_OFFSET


def loaded(path: Path, start: int, end: int) -> bytes:
    """What the kernel's one segment has at these physical addresses."""
    with path.open("rb") as file:
        [segment] = ELFFile(file).iter_segments("PT_LOAD")
        first = segment["p_paddr"]
        return bytes(segment.data()[start - first : end - first])


@pytest.mark.slow  # it compiles the kernel
def test_a_kernel_with_a_board(tmp_path: Path) -> None:
    output = tmp_path / "kernel.elf"
    made = subprocess.run(
        [*PITH, "kernel", "-o", output, "--board", "qemu-virt", "--release", "--domains", "16"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0 and made.stdout.startswith(f"{output}: the kernel's ELF"), made.stderr
    start, end = physical(output, "pith_tree"), physical(output, "pith_tree_end")
    assert loaded(output, start, end) == device_tree.flatten(device_tree.virt(2 << 30))
    assert board.KERNEL_PHYSICAL < end <= physical(output, "ki_boot_end") < physical(output, "ki_end")
    assert physical(output, "pith_entry") == board.KERNEL_PHYSICAL
    assert physical(output, "ki_boot_end") % 4096 == physical(output, "ki_end") % 4096 == 0


@pytest.mark.slow
def test_a_tree_of_ones_own_and_what_the_file_has_behind_it(tmp_path: Path) -> None:
    output, tree = tmp_path / "kernel.elf", device_tree.flatten(device_tree.virt(1 << 30))
    (tmp_path / "board.dtb").write_bytes(tree + b"more")
    command = [*PITH, "kernel", "-o", output, "--board", tmp_path / "board.dtb", "--release"]
    subprocess.run(command, check=True)
    assert loaded(output, physical(output, "pith_tree"), physical(output, "pith_tree_end")) == tree


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--memory", "1G"], "--memory is that of the board `qemu-virt`"),
        (["--board", "text"], "text is not a flattened device tree"),
        (["--board", "cut"], "cut is cut off: it has 100 bytes of"),
        (["--board", "absent"], "absent: No such file"),
        (["--board", "qemu-virt", "--memory", "1"], "a machine cannot have 1 bytes of memory"),
        (["--domains", "0"], "'--domains'"),
        (["--domains", "17"], "'--domains'"),
        (["--root-cnode-bits", "6"], "'--root-cnode-bits'"),
        (["--root-cnode-bits", "28"], "'--root-cnode-bits'"),
        (["-o", "nowhere/kernel.elf"], "there is no directory nowhere"),
    ],
)
def test_what_cannot_be(
    pith: Pith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("no tree")
    Path("cut").write_bytes(device_tree.flatten(device_tree.virt(1 << 30))[:100])
    ended = pith("kernel", "-o", "kernel.elf", *options)
    assert ended.code != 0 and complaint in ended.err and "\n  try: " in ended.err
    assert not Path("kernel.elf").exists()
