"""The device tree of the hosted machine: a writer of the flattened format, and the tree of the `virt` board.

Format: Devicetree Specification 0.4, chapter 5. The tree says what QEMU's says of the parts that we model. PCI, flash
and the firmware's configuration device are left out, for there is nothing behind them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import board
from .board import Region

MAGIC = 0xD00D_FEED
BEGIN_NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9
HEADER_BYTES = 40
RESERVATION_BYTES = 16  # of the one entry that ends the list of reserved memory

CPU_INTERRUPTS, CONTROLLER, TEST = 2, 3, 4  # phandles
SUPERVISOR_EXTERNAL, MACHINE_EXTERNAL, MACHINE_SOFTWARE, MACHINE_TIMER = 9, 11, 3, 7

# Of zicsr, a user has the floating-point registers, and zicntr, three counters; zihintpause is a fence that does nothing.
ISA = "rv64imafdc_zicntr_zicsr_zifencei_zihintpause"

Value = bytes | str | tuple[str, ...] | tuple[int, ...] | int | None


@dataclass
class Node:
    """A node: its properties (an int is one cell, None an empty property) and its children."""

    name: str
    properties: dict[str, Value] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def find(self, path: str) -> Node:
        """The node at `path` below this one, such as "soc/serial@10000000". Raises KeyError."""
        head, _, rest = path.partition("/")
        for child in self.children:
            if child.name == head:
                return child.find(rest) if rest else child
        raise KeyError(path)


def encode(value: Value) -> bytes:
    """A property's bytes: cells are big-endian, strings end in a zero byte."""
    match value:
        case None:
            return b""
        case bytes():
            return value
        case int():
            return struct.pack(">I", value)
        case str():
            return value.encode() + b"\0"
    return b"".join(encode(item) for item in value)


def flatten(root: Node) -> bytes:
    """The tree as one blob, as firmware hands it over."""
    names: dict[str, int] = {}
    body = b"".join(_tokens(root, names)) + struct.pack(">I", END)
    strings = b"".join(name.encode() + b"\0" for name in names)
    structure_at = HEADER_BYTES + RESERVATION_BYTES
    strings_at = structure_at + len(body)
    total = -(-(strings_at + len(strings)) // 8) * 8
    header = struct.pack(
        ">10I", MAGIC, total, structure_at, strings_at, HEADER_BYTES, 17, 16, 0, len(strings), len(body)
    )
    return (header + bytes(RESERVATION_BYTES) + body + strings).ljust(total, b"\0")


def _tokens(node: Node, names: dict[str, int]) -> Iterator[bytes]:
    yield struct.pack(">I", BEGIN_NODE) + _padded(node.name.encode() + b"\0")
    for name, value in node.properties.items():
        if name not in names:
            names[name] = sum(len(known) + 1 for known in names)
        encoded = encode(value)
        yield struct.pack(">3I", PROPERTY, len(encoded), names[name]) + _padded(encoded)
    for child in node.children:
        yield from _tokens(child, names)
    yield struct.pack(">I", END_NODE)


def _padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // 4) * 4, b"\0")


def virt(memory_size: int) -> Node:
    """The hosted machine's tree."""
    root: dict[str, Value] = {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "riscv-virtio",
        "model": "riscv-virtio,qemu",
    }
    memory: dict[str, Value] = {"device_type": "memory", "reg": _reg(Region(board.MEMORY_BASE, memory_size))}
    serial_path = f"/soc/serial@{board.SERIAL.base:x}"
    return Node(
        "",
        root,
        [
            Node("chosen", {"stdout-path": serial_path}),
            Node(f"memory@{board.MEMORY_BASE:x}", memory),
            _cpus(),
            _system_on_chip(),
        ],
    )


def _cpus() -> Node:
    controller: dict[str, Value] = {
        "#interrupt-cells": 1,
        "interrupt-controller": None,
        "compatible": "riscv,cpu-intc",
        "phandle": CPU_INTERRUPTS,
    }
    core: dict[str, Value] = {
        "phandle": 1,
        "device_type": "cpu",
        "reg": 0,
        "status": "okay",
        "compatible": "riscv",
        "riscv,isa": ISA,
        "mmu-type": "riscv,sv39",
    }
    common: dict[str, Value] = {
        "#address-cells": 1,
        "#size-cells": 0,
        "timebase-frequency": board.TICKS_PER_SECOND,
    }
    return Node("cpus", common, [Node("cpu@0", core, [Node("interrupt-controller", controller)])])


def _system_on_chip() -> Node:
    controller: dict[str, Value] = {
        "phandle": CONTROLLER,
        "riscv,ndev": board.INTERRUPT_SOURCES,
        "reg": _reg(board.INTERRUPT_CONTROLLER),
        "interrupts-extended": (CPU_INTERRUPTS, MACHINE_EXTERNAL, CPU_INTERRUPTS, SUPERVISOR_EXTERNAL),
        "interrupt-controller": None,
        "compatible": ("sifive,plic-1.0.0", "riscv,plic0"),
        "#address-cells": 0,
        "#interrupt-cells": 1,
    }
    interruptor: dict[str, Value] = {
        "interrupts-extended": (CPU_INTERRUPTS, MACHINE_SOFTWARE, CPU_INTERRUPTS, MACHINE_TIMER),
        "reg": _reg(board.CORE_LOCAL_INTERRUPTOR),
        "compatible": ("sifive,clint0", "riscv,clint0"),
    }
    test: dict[str, Value] = {"phandle": TEST, "compatible": ("sifive,test1", "sifive,test0", "syscon")}
    devices = [
        _device("serial", board.SERIAL, "ns16550a", board.SERIAL_INTERRUPT, {"clock-frequency": 3_686_400}),
        _device("test", board.TEST_DEVICE, None, None, test),
        *(
            _device("virtio_mmio", region, "virtio,mmio", interrupt)
            for region, interrupt in zip(board.VIRTIO, board.VIRTIO_INTERRUPTS, strict=True)
        ),
        Node(f"plic@{board.INTERRUPT_CONTROLLER.base:x}", controller),
        Node(f"clint@{board.CORE_LOCAL_INTERRUPTOR.base:x}", interruptor),
    ]
    bus: dict[str, Value] = {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "simple-bus",
        "ranges": None,
    }
    return Node("soc", bus, devices)


def _device(
    name: str,
    region: Region,
    compatible: str | None,
    interrupt: int | None,
    more: dict[str, Value] | None = None,
) -> Node:
    properties: dict[str, Value] = {"reg": _reg(region)}
    if interrupt is not None:
        properties |= {"interrupts": interrupt, "interrupt-parent": CONTROLLER}
    if compatible is not None:
        properties["compatible"] = compatible
    return Node(f"{name}@{region.base:x}", properties | (more or {}))


def _reg(region: Region) -> tuple[int, ...]:
    return (region.base >> 32, region.base & 0xFFFF_FFFF, region.size >> 32, region.size & 0xFFFF_FFFF)
