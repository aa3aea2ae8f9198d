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
MACHINE_PLIC = node(
    "plic@c000000",
    {
        "reg": cells(0, 0xC00_0000, 0, 0x60_0000),
        "interrupts-extended": cells(2, 11),
        "compatible": b"riscv,plic0\0",
    },
)
NOTHING = cells(4)


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


@pytest.mark.parametrize(
    ("value", "frequency"),
    [(cells(32768), 32768), (cells(0, 1000), 1000), (cells(2, 0x540B_E400), 10_000_000_000)],
)
def test_the_clock_s_frequency_has_one_cell_or_two(value: bytes, frequency: int) -> None:
    board = read(tree(node("", WIDE, MEMORY, node("cpus", {"timebase-frequency": value}, CPU), SOC)))
    assert board.timebase == frequency


@pytest.mark.parametrize("value", [b"", cells(0, 0, 1), b"\0\1"])
def test_a_frequency_that_is_no_number(value: bytes) -> None:
    with pytest.raises(Panic, match="timebase-frequency is neither one cell nor two"):
        read(tree(node("", WIDE, MEMORY, node("cpus", {"timebase-frequency": value}, CPU), SOC)))


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
        ((MEMORY, CPUS, node("soc", WIDE, MACHINE_PLIC)), "supervisor"),
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


# Broken ---------------------------------------------------------------------------------------------------


def test_a_node_that_ends_twice() -> None:
    with pytest.raises(Panic, match="did not begin"):
        read(tree(node("", WIDE, MEMORY) + cells(2)))


def test_a_property_without_end() -> None:
    endless = cells(1, 0) + cells(3, 1 << 20, 0)
    with pytest.raises(Panic, match="beyond"):
        read(tree(endless))


@pytest.mark.parametrize("kept", range(0, 400, 4))
def test_a_tree_that_breaks_off(kept: int) -> None:
    """Wherever the tokens stop: the boot ends with the name of what is missing."""
    body = node("", WIDE, MEMORY, CPUS, SOC)
    assert len(body) > 400
    blob = tree(body)
    with pytest.raises(Panic, match="device tree: "):
        read(struct.pack(">2I", 0xD00DFEED, 40 + kept) + blob[8 : 40 + kept])


@pytest.mark.parametrize("offset", [8, 12])
def test_a_tree_whose_parts_lie_elsewhere(offset: int) -> None:
    blob = bytearray(tree(node("", WIDE, MEMORY, CPUS, SOC)))
    blob[offset : offset + 4] = cells(0xFFFF_FFF0)
    with pytest.raises(Panic, match="no memory node"):
        read(bytes(blob))


def test_a_name_without_end() -> None:
    blob = tree(cells(1) + b"x" * 64)
    end = 40 + 4 + 64
    with pytest.raises(Panic, match="no memory node"):
        read(struct.pack(">2I", 0xD00DFEED, end) + blob[8:end])


def test_tokens_that_mean_nothing() -> None:
    root = node("", WIDE, NOTHING, MEMORY, NOTHING + NOTHING, CPUS, SOC)
    assert read(tree(root)).memory_count == 1


# Much, and nothing ----------------------------------------------------------------------------------------


def memory_node(*regions: tuple[int, int]) -> bytes:
    reg = b"".join(cells(start >> 32, start & 0xFFFF_FFFF, 0, size) for start, size in regions)
    return node("memory", {"reg": reg, "device_type": b"memory\0"})


def test_as_many_regions_as_there_is_room_for() -> None:
    regions = [(0x8000_0000 + 0x10_0000 * index, 0x1000) for index in range(device_tree.REGIONS)]
    board = read(tree(node("", WIDE, memory_node(*regions), CPUS, SOC)))
    assert [(found.start, found.end - found.start) for found in board.memory] == regions


@pytest.mark.parametrize("name", ["memory", "reserved-memory"])
def test_more_regions_than_there_is_room_for(name: str) -> None:
    regions = [(0x8000_0000 + 0x10_0000 * index, 0x1000) for index in range(device_tree.REGIONS + 1)]
    many = memory_node(*regions)
    if name == "reserved-memory":
        many = node(name, WIDE, many.replace(b"memory\0", b"nobody\0")) + MEMORY
    with pytest.raises(Panic, match="room"):
        read(tree(node("", WIDE, many, CPUS, SOC)))


def test_regions_without_bytes_are_none() -> None:
    board = read(tree(node("", WIDE, memory_node((0x8000_0000, 0), (0x9000_0000, 0x1000)), CPUS, SOC)))
    assert board.memory_count == 1 and board.memory[0].start == 0x9000_0000


def test_a_parent_that_gives_no_cells() -> None:
    nowhere = node(
        "bus", {"#address-cells": cells(0), "#size-cells": cells(0)}, memory_node((0x8000_0000, 8))
    )
    assert read(tree(node("", WIDE, nowhere, MEMORY, CPUS, SOC))).memory_count == 1
