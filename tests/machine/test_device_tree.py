"""The device tree: the format, and that ours says what QEMU's says."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from pith.machine import device_tree, qemu_program
from pith.machine.device_tree import Node

Properties = dict[str, bytes]


def parse(blob: bytes) -> dict[str, Properties]:
    """Every node's path and properties, read by the specification and not by our writer."""
    magic, total, structure, strings, *_ = struct.unpack_from(">10I", blob)
    assert magic == 0xD00D_FEED and total <= len(blob)
    nodes: dict[str, Properties] = {}
    path: list[str] = []
    at = structure
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(0, at)
            path.append(blob[at:end].decode())
            nodes["/".join(path)] = {}
            at = (end + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            length, name_at = struct.unpack_from(">2I", blob, at)
            name = blob[strings + name_at : blob.index(0, strings + name_at)].decode()
            nodes["/".join(path)][name] = blob[at + 8 : at + 8 + length]
            at += 8 + (length + 3 & ~3)
        elif token == 9:
            return nodes


def test_the_format() -> None:
    tree = Node(
        "", {"empty": None, "cells": (1, 0xFFFF_FFFF)}, [Node("child", {"names": ("a", "bc"), "empty": None})]
    )
    nodes = parse(device_tree.flatten(tree))
    assert nodes == {
        "": {"empty": b"", "cells": b"\0\0\0\1\xff\xff\xff\xff"},
        "/child": {"names": b"a\0bc\0", "empty": b""},
    }


def test_a_node_is_found_by_its_path() -> None:
    tree = device_tree.virt(1 << 30)
    assert tree.find("soc/serial@10000000").properties["interrupts"] == 10
    with pytest.raises(KeyError, match="nothing"):
        tree.find("soc/nothing")


def of_qemu(directory: Path, *options: str) -> dict[str, Properties]:
    """The tree of the machine that we have QEMU be."""
    dump = directory / "virt.dtb"
    qemu = qemu_program.find().path
    cpu = qemu_program.processor(qemu, qemu_program.PROCESSOR)
    command = [qemu, "-machine", f"virt,dumpdtb={dump}", "-cpu", cpu, "-nographic", *options]
    subprocess.run(command, check=True, capture_output=True)
    return parse(dump.read_bytes())


@pytest.mark.qemu
def test_the_extensions_are_those_of_qemus_processor(tmp_path: Path) -> None:
    """QEMU names more of what it has, some of it only later; nothing that we lack is there for a user."""
    path = "/cpus/cpu@0"
    base, *theirs = of_qemu(tmp_path)[path]["riscv,isa"].rstrip(b"\0").decode().split("_")
    our_base, *ours = device_tree.ISA.split("_")
    assert base == our_base
    assert set(ours) - {"zicntr"} <= set(theirs)
    assert not set(theirs) & set(qemu_program.BEYOND)


@pytest.mark.qemu
@pytest.mark.parametrize("mebibytes", [128, 3072, 8192])
def test_it_agrees_with_qemu(tmp_path: Path, mebibytes: int) -> None:
    """Every node of ours is there in QEMU's, and says the same; ISA and MMU may promise more there."""
    theirs = of_qemu(tmp_path, "-m", str(mebibytes))
    ours = parse(device_tree.flatten(device_tree.virt(mebibytes << 20)))
    stronger = {"riscv,isa", "mmu-type"}
    moving = {"phandle", "interrupt-parent", "interrupts-extended", "cpu"}  # numbers of nodes
    renamed = {"stdout-path"}  # `serial` or `uart`, by version
    for path, properties in ours.items():
        found = theirs.get(path)
        assert found is not None, path
        for name, value in properties.items():
            if name not in stronger | moving | renamed:
                assert found[name] == value, f"{path} {name}"
