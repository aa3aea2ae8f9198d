"""Booting as builders of static systems do, such as Microkit's: without a device tree, on what they believe of the kernel.

On QEMU the loader is one like Microkit's: it lies at 0x90000000, maps itself and the gigabyte of the kernel's image and no more,
and hands over no tree. The initial thread tells what it finds, which is compared with what `tests.static_boot` foretells.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from pith.kernel import boot
from pith.machine import BootImage, Ending, Machine, board, device_tree, elf
from pith.machine import image as boot_image
from pith.machine.elf import Segment
from pith.machine.hosted import HostedMachine
from pith.machine.image import Table
from pith.machine.qemu import QemuMachine
from pith.system import image
from pith.system.assembler import machine_code
from pith.system.components import build_c
from pith.system.kernel import build_kernel, set_domains, set_root_cnode_bits
from tests.static_boot import (
    QEMU_DEVICES,
    QEMU_GENERAL,
    QEMU_MEMORY,
    Expected,
    KernelImage,
    Range,
    expect,
    place,
)

PROGRAM = Path(__file__).parent / "programs" / "bootinfo.c"
LOADER = 0x9000_0000
JUMP, JUMP_SIZE = board.KERNEL_PHYSICAL - 0x1000, 16
ROOT_CNODE_BITS = 17
PAGE, MEGAPAGE_BITS, GIGABYTE_BITS = 4096, 21, 30
POINTER, LEAF = 0x01, 0xCF  # of page table entries: valid; all rights, accessed, dirty


@pytest.fixture(autouse=True)
def microkits_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Microkit configures its kernels with."""
    for name in ("DOMAIN_COUNT", "ROOT_CNODE_BITS"):
        monkeypatch.setattr(boot, name, vars(boot)[name])  # so that the test's end undoes what follows
    set_domains(16)
    set_root_cnode_bits(ROOT_CNODE_BITS)


def microkit_image(output: Path, program: Path, kernel: Path) -> BootImage:
    """The image of a loader that does what Microkit's does, once everything is copied to its place."""
    built = image.build(output, program, kernel)
    table = built.table
    virtual = table.user_start - table.user_offset & (1 << 64) - 1
    user = place(KernelImage.of(kernel), QEMU_GENERAL, table.user_end - table.user_start)
    table = table._replace(
        user_start=user.start, user_end=user.end, user_offset=user.start - virtual & (1 << 64) - 1
    )
    kernels = [part for part in built.segments if table.kernel_start <= part.physical < table.kernel_end]
    users = Segment(user.start, user.start, built.user_data, user.size)
    loader = loader_pages(table)
    # QEMU lets the firmware jump to the lowest address of an ELF, wherever its entry is.
    jump = machine_code(f"li t0, {LOADER}\njr t0").ljust(JUMP_SIZE, b"\0") + table.note()
    first = Segment(JUMP, JUMP, jump, len(jump))
    note = Segment(JUMP + JUMP_SIZE, JUMP + JUMP_SIZE, b"", len(table.note()))
    output.write_bytes(
        elf.write(JUMP, [first, *kernels, users, Segment(LOADER, LOADER, loader, len(loader))], note)
    )
    return boot_image.read(output)


def loader_pages(table: Table) -> bytes:
    """Code, and three page tables: the root, the loader's gigabyte from here on, the kernel's from its image on."""
    code = machine_code(f"""
        li      a0, {table.user_start}
        li      a1, {table.user_end}
        li      a2, {table.user_offset}
        li      a3, {table.user_entry}
        li      a4, 0
        li      a5, 0
        li      a6, -1  # nothing is said of these two
        li      a7, -1
        li      t0, {table.kernel_entry}
        li      t1, {8 << 60 | LOADER + PAGE >> 12}
        sfence.vma
        csrw    satp, t1
        fence.i
        jr      t0
    """)
    root, own, kernels = ([0] * 512 for _ in range(3))
    root[LOADER >> GIGABYTE_BITS] = LOADER + 2 * PAGE >> 2 | POINTER
    root[table.kernel_entry >> GIGABYTE_BITS & 511] = LOADER + 3 * PAGE >> 2 | POINTER
    for entries, virtual, physical in (
        (own, LOADER, LOADER),
        (kernels, table.kernel_entry, table.kernel_start),
    ):
        first = virtual >> MEGAPAGE_BITS & 511
        for index in range(first, 512):
            entries[index] = physical + (index - first << MEGAPAGE_BITS) >> 2 | LEAF
    return code.ljust(PAGE, b"\0") + b"".join(
        struct.pack("<512Q", *entries) for entries in (root, own, kernels)
    )


@pytest.fixture(params=["hosted", pytest.param("qemu", marks=pytest.mark.qemu)])
def machine_and_kernel(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Machine, KernelImage]]:
    """A machine on which the program is booted so, and what is known of its kernel's image."""
    program, output = build_c(PROGRAM), tmp_path / "image.elf"
    if request.param == "hosted":
        built = image.build(output, program, None)
        start = built.table.kernel_start
        with HostedMachine(built, memory=QEMU_MEMORY, hands_over_tree=False) as hosted:
            yield hosted, KernelImage(start, start, built.table.kernel_end)
    else:
        kernel = build_kernel(device_tree.flatten(device_tree.virt(QEMU_MEMORY)))
        with QemuMachine(microkit_image(output, program, kernel), memory=QEMU_MEMORY) as qemu:
            yield qemu, KernelImage.of(kernel)


@pytest.mark.slow
def test_the_bootinfo_is_what_was_foretold(machine_and_kernel: tuple[Machine, KernelImage]) -> None:
    machine, kernel = machine_and_kernel
    assert machine.run() is Ending.EXIT, machine.output
    text = machine.output.replace("\r", "")
    user = Range(machine.image.table.user_start, machine.image.table.user_end)
    virtual = user.start - machine.image.table.user_offset & (1 << 64) - 1
    expected = expect(kernel, QEMU_GENERAL, QEMU_DEVICES, user, virtual, ROOT_CNODE_BITS)
    told = [line for line in text.splitlines() if line.split(" ")[0] in FIELDS]
    assert told == [*fields(expected, virtual + user.size)]
    lowest = next(u for u in expected.untypeds if not u.is_device)
    assert lowest.physical == (kernel.start if kernel.start < kernel.boot_end else kernel.end)
    assert f"error 0\nfound 0\nat {lowest.physical}\n" in text
    assert "domain 15 0\n" in text and "RangeError: domain must be 0 to 15\ndomain 16 4\n" in text


FIELDS = [
    "extra_length",
    "node_id",
    "node_count",
    "io_page_table_levels",
    "ipc_buffer",
    "root_cnode_size_bits",
    "initial_domain",
    "empty",
    "shared_frames",
    "user_image_frames",
    "user_image_paging",
    "io_space_caps",
    "extra_bootinfo_pages",
    "sched_control",
    "untyped",
]


def fields(expected: Expected, buffer: int) -> Iterator[str]:
    """The lines that tell of the bootinfo, in the order of the program."""
    numbers = {"ipc_buffer": buffer, "node_count": 1, "root_cnode_size_bits": ROOT_CNODE_BITS}
    slots = {
        "empty": range(expected.untyped_slots.stop, 1 << ROOT_CNODE_BITS),
        "user_image_frames": expected.image_frames,
        "user_image_paging": expected.paging,
        "sched_control": expected.sched_control,
        "untyped": expected.untyped_slots,
    }
    for name in FIELDS[:7]:
        yield f"{name} {numbers.get(name, 0)}"
    for name in FIELDS[7:]:
        yield f"{name} {slots[name].start} {slots[name].stop}" if name in slots else f"{name} 0 0"
    for physical, bits, is_device in expected.untypeds:
        yield f"untyped {physical} {bits} {'device' if is_device else 'general'}"
