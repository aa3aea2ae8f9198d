"""The device tree reader: QEMU's own tree, and trees that lack something or lie."""

from __future__ import annotations

import struct

import pytest

from pith.kernel.riscv64 import device_tree
from pith.metal import memory
from pith.metal.machine import Panic

BASE = 0xFFFF_FFC0_8000_0000
TREE = BASE + 0x10_0000

Properties = dict[str, bytes]


def node(name: str, properties: Properties, *children: bytes) -> bytes:
    text = name.encode() + b"\0"
    body = struct.pack(">I", 1) + text + bytes(-len(text) % 4)
    for key, value in properties.items():
        body += (
            struct.pack(">III", 3, len(value), STRINGS.index(key.encode() + b"\0"))
            + value
            + bytes(-len(value) % 4)
        )
    return body + b"".join(children) + struct.pack(">I", 2)


STRINGS = b"".join(
    name + b"\0"
    for name in (
        b"#address-cells", b"#size-cells", b"device_type", b"reg", b"timebase-frequency", b"compatible",
        b"interrupts-extended", b"riscv,isa",
    )
)  # fmt: skip


def tree(root: bytes) -> bytes:
    body = root + struct.pack(">I", 9)
    header = struct.pack(
        ">10I",
        0xD00DFEED,
        40 + len(body) + len(STRINGS),
        40,
        40 + len(body),
        40,
        17,
        16,
        0,
        len(STRINGS),
        len(body),
    )
    return header + body + STRINGS


def cells(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


WIDE = {"#address-cells": cells(2), "#size-cells": cells(2)}
MEMORY = node("memory@80000000", {"reg": cells(0, 0x8000_0000, 0, 0x1000_0000), "device_type": b"memory\0"})
CPU = node("cpu@0", {"reg": cells(0), "riscv,isa": b"rv64imafdc_sstc\0"})
CPUS = node(
    "cpus",
    {"#address-cells": cells(1), "#size-cells": cells(0), "timebase-frequency": cells(10_000_000)},
    CPU,
)
PLIC = node(
    "plic@c000000",
    {
        "reg": cells(0, 0xC00_0000, 0, 0x60_0000),
        "interrupts-extended": cells(2, 11, 2, 9),
        "compatible": b"sifive,plic-1.0.0\0riscv,plic0\0",
    },
)
SOC = node("soc", WIDE, PLIC)


def read(blob: bytes, size: int | None = None) -> device_tree.Board:
    memory.attach(bytearray(1 << 21), BASE)
    offset = TREE - BASE
    memory.view_u8[offset : offset + len(blob)] = blob
    device_tree.read(TREE, len(blob) if size is None else size)
    return device_tree.board


def test_a_whole_tree() -> None:
    board = read(tree(node("", WIDE, MEMORY, CPUS, SOC)))
    assert board.memory_count == 1
    assert (board.memory[0].start, board.memory[0].end) == (0x8000_0000, 0x9000_0000)
    assert (board.plic, board.plic_end, board.plic_context) == (0xC00_0000, 0xC60_0000, 1)
    assert board.timebase == 10_000_000
    assert board.has_sstc


def test_reserved_memory_is_told_apart() -> None:
    held = node("mmode@80000000", {"reg": cells(0, 0x8000_0000, 0, 0x8_0000)})
    reserved = node("reserved-memory", WIDE, held)
    board = read(tree(node("", WIDE, reserved, MEMORY, CPUS, SOC)))
    assert board.memory_count == 1
    assert (board.reserved[0].start, board.reserved[0].end) == (0x8000_0000, 0x8008_0000)


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ((CPUS, SOC), "memory"),
        ((MEMORY, SOC), "timebase-frequency"),
        ((MEMORY, CPUS), "riscv,plic0"),
    ],
)
def test_a_missing_node_is_named(parts: tuple[bytes, ...], named: str) -> None:
    with pytest.raises(Panic, match=named):
        read(tree(node("", WIDE, *parts)))


def test_no_tree_at_all() -> None:
    with pytest.raises(Panic, match="magic"):
        read(bytes(64))


def test_a_tree_longer_than_told() -> None:
    blob = tree(node("", WIDE, MEMORY, CPUS, SOC))
    with pytest.raises(Panic, match="longer"):
        read(blob, len(blob) - 8)


def test_nodes_nested_too_deeply() -> None:
    inner = node("end", {})
    for _ in range(20):
        inner = node("deeper", {}, inner)
    with pytest.raises(Panic, match="deeply"):
        read(tree(node("", WIDE, inner)))
