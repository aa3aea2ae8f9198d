"""Boot: what the initial thread finds, field by field, with QEMU's own device tree."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pith.abi.bootinfo import BootInfo, RootSlot, SlotRegion
from pith.abi.messages import MessageInfo
from pith.kernel import boot, budget
from pith.kernel.cspace import slot_at
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    FrameCap,
    FrameSize,
    IRQControlCap,
    NullCap,
    PageTableCap,
    Register,
    SchedContextCap,
    SchedControlCap,
    Slot,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    UntypedCap,
)
from pith.kernel.resume import begin
from pith.kernel.riscv64 import device_tree as kernel_tree
from pith.kernel.riscv64 import vspace
from pith.kernel.riscv64.window import IMAGE_OFFSET, window_of
from pith.kernel.state import kernel
from pith.machine import device_tree
from pith.metal.machine import Panic

from ..static_boot import QEMU_DEVICES, KernelImage, Range, Untyped, expect
from .conftest import FREE, RAM, RAM_SIZE, STATICS, World
from .test_device_tree import CPUS, SOC, WIDE, cells, node
from .test_device_tree import tree as flattened

MEMORY = RAM_SIZE
TREE = FREE + 0x1000
USER = FREE + 0x10_0000  # physical
VIRTUAL = 0x1_0000
PAGES = 5
ENTRY = VIRTUAL + 0x94
TICKS = 10_000_000


def start(
    world: World, tree: bytes, *, size: int = PAGES << 12, virtual: int = VIRTUAL, user: int = USER
) -> BootInfo:
    """Boot with an image of `size` bytes that are its own page's number, and this tree."""
    world.processor.csrs["time"] = 12345
    world.free = RAM + RAM_SIZE  # boot gives it all away
    world.write(TREE, tree)
    if user == USER:
        world.write(
            USER, b"".join(bytes([page]) * 0x1000 for page in range(min(-(-size // 0x1000), 16)))[:size]
        )
    boot.start(user, user + size, (user - virtual) % (1 << 64), ENTRY, TREE, len(tree))
    info = physical_of_page(world, virtual + -(-size // 0x1000) * 0x1000 + 0x1000)
    return BootInfo.at(window_of(info))


@pytest.fixture
def tree() -> bytes:
    return device_tree.flatten(device_tree.virt(MEMORY))


@pytest.fixture
def info(world: World, tree: bytes) -> BootInfo:
    return start(world, tree)


def cap(index: int) -> Cap:
    return slot(index).cap


def slot(index: int) -> Slot:
    return slot_at(kernel.root, index)


def entry_at(address: int) -> vspace.PageTableEntry:
    root = vspace.root_of(1)
    assert root is not None
    place = vspace.walk(root, address)
    assert place.level == 0
    return place.table.entries[place.index]


def physical_of_page(world: World, address: int) -> int:
    entry = entry_at(address)
    assert entry.valid and entry.user
    return entry.frame << 12


# The bootinfo ---------------------------------------------------------------------------------------------


def test_bootinfo(info: BootInfo, tree: bytes) -> None:
    assert info.extra_length == 16 + len(tree)
    assert (info.node_id, info.node_count, info.io_page_table_levels) == (0, 1, 0)
    assert info.ipc_buffer == VIRTUAL + (PAGES << 12)
    assert info.root_cnode_size_bits == 13
    assert info.initial_domain == 0
    for region in (info.shared_frames, info.io_space_caps):
        assert (region.start, region.end) == (0, 0)


def test_regions_follow_one_another(info: BootInfo, tree: bytes) -> None:
    regions = [
        (info.user_image_paging, 2),
        (info.extra_bootinfo_pages, -(-(16 + len(tree)) // 4096)),
        (info.sched_control, 1),
        (info.user_image_frames, PAGES),
        (info.untyped, None),
        (info.empty, None),
    ]
    position = 16
    for region, length in regions:
        assert region.start == position
        if length is not None:
            assert region.end - region.start == length
        position = region.end
    assert position == 1 << 13
    assert cap(info.empty.start - 1) != NullCap() and cap(info.empty.start) == NullCap()


def test_the_tree_follows_the_bootinfo(world: World, info: BootInfo, tree: bytes) -> None:
    address = info.ipc_buffer + 0x2000
    pages = range(0, 16 + len(tree), 4096)
    copy = b"".join(world.bytes_at(physical_of_page(world, address + offset), 4096) for offset in pages)
    assert int.from_bytes(copy[:8], "little") == 6
    assert int.from_bytes(copy[8:16], "little") == 16 + len(tree)
    assert copy[16 : 16 + len(tree)] == tree


# Capabilities ---------------------------------------------------------------------------------------------


def test_fixed_slots(world: World, info: BootInfo) -> None:
    thread = kernel.current
    assert thread is not None
    assert cap(RootSlot.TCB) == ThreadCap(thread)
    root = cap(RootSlot.CNODE)
    assert isinstance(root, CNodeCap) and (root.radix, root.guard_size, root.guard) == (13, 51, 0)
    space = cap(RootSlot.VSPACE)
    assert isinstance(space, PageTableCap) and space.is_root and space.asid == 1
    assert cap(RootSlot.IRQ_CONTROL) == IRQControlCap()
    assert cap(RootSlot.ASID_CONTROL) == ASIDControlCap()
    pool = cap(RootSlot.ASID_POOL)
    assert isinstance(pool, ASIDPoolCap) and pool.base_asid == 0 and kernel.asid_pools[0] is pool.pool
    assert cap(RootSlot.DOMAIN) == DomainCap()
    context = cap(RootSlot.SCHED_CONTEXT)
    assert isinstance(context, SchedContextCap) and context.context is thread.context
    for index in (0, 7, 8, 12, 13, 15):
        assert cap(index) == NullCap()
    for index in (1, 3, 4, 5, 6, 11, 14, *range(16, info.empty.start)):
        assert slot(index).link.revocable and slot(index).previous is None


def test_frames_of_the_image(world: World, info: BootInfo) -> None:
    for page in range(PAGES):
        frame = cap(info.user_image_frames.start + page)
        assert isinstance(frame, FrameCap)
        assert (frame.size, frame.asid, frame.mapped_address) == (FrameSize.PAGE, 1, VIRTUAL + 4096 * page)
        assert frame.base == USER + 4096 * page
        entry = entry_at(VIRTUAL + 4096 * page)
        assert entry.frame << 12 == frame.base and entry.read and entry.write and entry.execute
    assert world.bytes_at(USER, 0x1000) == bytes(0x1000)
    assert world.bytes_at(USER + 0x3000, 4) == b"\3\3\3\3"


def test_other_pages(world: World, info: BootInfo) -> None:
    for index, address in (
        (RootSlot.IPC_BUFFER, info.ipc_buffer),
        (RootSlot.BOOTINFO_FRAME, info.ipc_buffer + 0x1000),
        (info.extra_bootinfo_pages.start, info.ipc_buffer + 0x2000),
    ):
        frame = cap(index)
        assert isinstance(frame, FrameCap)
        assert (frame.base, frame.asid, frame.mapped_address) == (
            physical_of_page(world, address),
            1,
            address,
        )
        assert not entry_at(address).execute
    assert cap(info.sched_control.start) == SchedControlCap(0)


def test_paging_structures(info: BootInfo) -> None:
    upper, lower = cap(info.user_image_paging.start), cap(info.user_image_paging.start + 1)
    assert isinstance(upper, PageTableCap) and isinstance(lower, PageTableCap)
    root = vspace.root_of(1)
    assert root is not None
    assert vspace.table_of(root.entries[0]) is upper.table
    assert vspace.table_of(upper.table.entries[0]) is lower.table
    assert (upper.asid, upper.mapped_address, upper.is_mapped, upper.is_root) == (1, 0, True, False)


def test_an_image_over_many_tables(world: World, tree: bytes) -> None:
    """From the last page of a gigabyte on: two tables of each level, the large ones first."""
    info = start(world, tree, virtual=(1 << 30) - 0x1000)
    paging = [cap(index) for index in range(info.user_image_paging.start, info.user_image_paging.end)]
    addresses = [table.mapped_address for table in paging if isinstance(table, PageTableCap)]
    assert addresses == [0, 1 << 30, (1 << 30) - (1 << 21), 1 << 30]


# Memory ---------------------------------------------------------------------------------------------------


def untypeds(info: BootInfo) -> Iterator[UntypedCap]:
    for number in range(info.untyped.end - info.untyped.start):
        untyped = cap(info.untyped.start + number)
        told = info.untyped_list[number]
        assert isinstance(untyped, UntypedCap)
        assert (told.physical_address, told.size_bits, told.is_device) == (
            untyped.base, untyped.size_bits, int(untyped.is_device),
        )  # fmt: skip
        yield untyped


def test_untypeds_are_whole_and_apart(info: BootInfo) -> None:
    found = sorted((u.base, u.base + (1 << u.size_bits), u.is_device) for u in untypeds(info))
    assert all(not base % (end - base) for base, end, _ in found)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(found))
    order = [u.is_device for u in untypeds(info)]
    assert order == sorted(order, reverse=True)  # devices first


def test_what_is_general_and_what_a_devices(world: World, info: BootInfo) -> None:
    covered = list(untypeds(info))

    def kind(address: int) -> bool | None:
        """Whether the address is a device's; None if in no untyped."""
        found = [u.is_device for u in covered if u.base <= address < u.base + (1 << u.size_bits)]
        return found[0] if found else None

    for address in (0x1000_0000, 0x1000_1000, 0x10_1000, RAM, RAM + 0x1F_FFFF, RAM + MEMORY, 0x7F_FFFF_FFFF):
        assert kind(address) is True
    for address in (0x200_0000, 0x21F_FFFF, 0xC00_0000, 0xC5F_FFFF, 0x80_0000_0000):
        assert kind(address) is None
    for address in (0x1FF_FFFF, 0x220_0000, 0xBFF_FFFF, 0xC60_0000):  # withheld in whole megapages, no more
        assert kind(address) is True
    for taken in (STATICS, FREE - 1, TREE, USER, USER + (PAGES << 12) - 1, world.physical(info)):
        assert kind(taken) is None
    assert kernel.kernel_root is not None and kind(world.physical(kernel.kernel_root)) is None
    for address in (boot.IMAGE_START, STATICS - 1, FREE, USER - 1, USER + (PAGES << 12), RAM + MEMORY - 1):
        assert kind(address) is False


def test_reserved_memory_is_no_general_memory(world: World) -> None:
    first, size = RAM + 0x80_0000, 0x1800
    held = node("framebuffer@80800000", {"reg": cells(0, first, 0, size)})
    memory = node("memory@80000000", {"reg": cells(0, RAM, 0, 16 << 20), "device_type": b"memory\0"})
    blob = flattened(node("", WIDE, node("reserved-memory", WIDE, held), memory, CPUS, SOC))
    found = list(untypeds(start(world, blob)))
    for address, is_device in (
        (first - 1, False),
        (first, True),
        (first + 0x1FFF, True),
        (first + 0x2000, False),
    ):
        assert [u.is_device for u in found if u.base <= address < u.base + (1 << u.size_bits)] == [is_device]


def test_nearly_all_memory_is_given_away(info: BootInfo) -> None:
    general = sum(1 << u.size_bits for u in untypeds(info) if not u.is_device)
    assert MEMORY - (6 << 20) < general < MEMORY - (2 << 20)


def test_untypeds_begin_used_so_that_they_are_cleared(info: BootInfo) -> None:
    assert all(u.watermark == 1 << u.size_bits for u in untypeds(info))


# The thread -----------------------------------------------------------------------------------------------


def test_the_initial_thread(world: World, info: BootInfo) -> None:
    thread = kernel.current
    assert thread is not None and thread.state is ThreadState.RUNNING
    registers = [thread.registers[index] for index in range(33)]
    assert registers[Register.NEXT_PC] == ENTRY
    assert registers[Register.A0] == info.ipc_buffer + 0x1000
    assert sum(map(bool, registers)) == 2  # all others are 0
    assert (thread.priority, thread.max_priority, thread.domain) == (255, 255, 0)
    assert thread.buffer_offset == info.ipc_buffer & 0xFFF
    assert thread.slots[ThreadSlot.CSPACE].cap == cap(RootSlot.CNODE)
    assert thread.slots[ThreadSlot.VSPACE].cap == cap(RootSlot.VSPACE)
    buffer, original = thread.slots[ThreadSlot.BUFFER].cap, cap(RootSlot.IPC_BUFFER)
    assert isinstance(buffer, FrameCap) and isinstance(original, FrameCap)
    assert buffer.base == original.base and not buffer.asid
    assert thread.slots[ThreadSlot.BUFFER].previous is slot(RootSlot.IPC_BUFFER)


def test_its_time(info: BootInfo) -> None:
    assert kernel.current is not None
    context = kernel.current.context
    assert context is not None and context is kernel.current_context
    assert budget.is_round_robin(context)
    assert context.budget == TICKS * 5 // 1000
    assert budget.is_released(context)
    assert kernel.now == 12345


def test_it_runs(world: World, info: BootInfo) -> None:
    thread = begin()
    assert thread is kernel.current and thread.priority == 255
    root = vspace.root_of(1)
    assert root is not None
    assert world.processor.csrs["satp"] == 8 << 60 | 1 << 44 | world.physical(root) >> 12
    assert MessageInfo.from_bits(thread.registers[Register.A1]) == MessageInfo()


def test_the_kernel_itself(world: World, info: BootInfo) -> None:
    assert kernel.idle is not None and kernel.idle.state is ThreadState.IDLE
    assert kernel.domain_count == 1
    assert (kernel.domain_schedule[0].domain, kernel.domain_schedule[0].duration) == (0, (1 << 56) - 1)
    assert kernel.ticks_per_second == TICKS
    assert kernel.plic == window_of(0xC00_0000) and kernel.plic_context == 1
    assert world.processor.csrs["sie"] == 1 << 5 | 1 << 9


@pytest.mark.parametrize(
    ("implementation", "version", "expected"),
    [(1, 0x1_0001, True), (1, 0x1_0000, False), (0, 0x2_0000, False)],
)
def test_the_timer_is_the_kernels_if_the_firmware_lends_it(
    world: World, monkeypatch: pytest.MonkeyPatch, implementation: int, version: int, expected: bool
) -> None:
    answers = {1: implementation, 2: version}
    monkeypatch.setattr(
        world.processor,
        "sbi_call",
        lambda extension, function, *_: (0, answers[function] if extension == 16 else 0),
    )
    root = device_tree.virt(MEMORY)
    root.find("cpus/cpu@0").properties["riscv,isa"] = "rv64imafdc_sstc"
    start(world, device_tree.flatten(root))
    assert kernel.has_sstc is expected


def test_no_timer_to_lend(info: BootInfo) -> None:
    assert not kernel.has_sstc


# What can go wrong ----------------------------------------------------------------------------------------


def refused(world: World, tree: bytes, **arguments: int) -> str:
    with pytest.raises(Panic) as caught:
        start(world, tree, **arguments)
    return str(caught.value)


def test_no_image(world: World, tree: bytes) -> None:
    assert "image is empty" in refused(world, tree, size=0)


def test_an_image_off_its_page(world: World, tree: bytes) -> None:
    assert "page" in refused(world, tree, user=USER + 8)


def test_an_image_in_the_kernels_half(world: World, tree: bytes) -> None:
    assert "outside the user's addresses" in refused(world, tree, virtual=0x3F_FFFF_F000)


def test_an_image_of_too_many_pages(world: World, tree: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "ROOT_CNODE_BITS", 8)
    assert "more pages than the root CNode has slots" in refused(world, tree, size=300 << 12)


def test_no_room_for_objects(world: World) -> None:
    user = TREE + 0x2000
    tree = device_tree.flatten(device_tree.virt(user + (PAGES << 12) + 0x1_0000 - RAM))
    assert "no range of free memory is large enough" in refused(world, tree, user=user)


def test_no_memory_left(world: World) -> None:
    tree = device_tree.flatten(device_tree.virt(0x20_0000))
    assert "no free memory" in refused(world, tree)


@pytest.mark.qemu
def test_with_a_tree_that_qemu_made(world: World, tmp_path: Path) -> None:
    file = tmp_path / "virt.dtb"
    command = [
        "qemu-system-riscv64",
        "-machine",
        f"virt,dumpdtb={file}",
        "-m",
        f"{MEMORY >> 20}",
        "-smp",
        "1",
    ]
    subprocess.run([*command, "-display", "none"], check=True, capture_output=True)
    tree = file.read_bytes()
    info = start(world, tree)
    assert info.extra_length == 16 + len(tree)
    assert kernel_tree.board.memory[0].end == RAM + MEMORY
    assert kernel_tree.board.timebase == TICKS
    assert kernel_tree.board.plic_context == 1
    assert list(untypeds(info))


# A loader that hands over no device tree --------------------------------------------------------------------


def start_alone(world: World, tree: bytes, *, size: int, virtual: int = VIRTUAL) -> BootInfo:
    """Boot with the tree built into the kernel's image, where boot's code is."""
    world.free = RAM + RAM_SIZE
    world.write(boot.IMAGE_START, tree)
    world.processor.symbols["pith_tree"] = IMAGE_OFFSET + boot.IMAGE_START
    world.processor.symbols["pith_tree_end"] = IMAGE_OFFSET + boot.IMAGE_START + len(tree)
    boot.start(USER, USER + size, (USER - virtual) % (1 << 64), ENTRY, 0, 0)
    return BootInfo.at(window_of(physical_of_page(world, virtual + size + 0x1000)))


def slots(region: SlotRegion) -> range:
    return range(region.start, region.end)


@pytest.mark.parametrize(
    ("size", "virtual", "bits"),
    [
        (PAGES << 12, VIRTUAL, 13),
        (PAGES << 12, VIRTUAL, 7),  # the least: a root CNode of one page
        (1 << 20, (1 << 30) - 0x1000, 16),  # four page tables; what is left above the objects is cut up
    ],
)
def test_bootinfo_is_what_static_systems_are_built_on(
    world: World, tree: bytes, monkeypatch: pytest.MonkeyPatch, size: int, virtual: int, bits: int
) -> None:
    monkeypatch.setattr(boot, "ROOT_CNODE_BITS", bits)
    info = start_alone(world, tree, size=size, virtual=virtual)
    image = KernelImage(boot.IMAGE_START, STATICS, FREE)
    general = [Range(boot.IMAGE_START, RAM + MEMORY)]
    devices = [*QEMU_DEVICES[:-1], Range(RAM + MEMORY, 1 << 39)]
    expected = expect(image, general, devices, Range(USER, USER + size), virtual, bits)
    assert [Untyped(u.base, u.size_bits, u.is_device) for u in untypeds(info)] == expected.untypeds
    assert slots(info.user_image_paging) == expected.paging
    assert slots(info.sched_control) == expected.sched_control
    assert slots(info.user_image_frames) == expected.image_frames
    assert slots(info.untyped) == expected.untyped_slots
    assert slots(info.empty) == range(expected.untyped_slots.stop, 1 << bits)
    assert (info.extra_length, info.node_id, info.node_count, info.io_page_table_levels) == (0, 0, 1, 0)
    assert (info.ipc_buffer, info.root_cnode_size_bits, info.initial_domain) == (virtual + size, bits, 0)
    for region in (info.shared_frames, info.io_space_caps, info.extra_bootinfo_pages):
        assert (region.start, region.end) == (0, 0)
    for object_at in (kernel.root.cnode, info, kernel.current, kernel.current_context):
        assert object_at is not None
        assert expected.objects.start <= world.physical(object_at) < expected.objects.end


def test_no_extra_pages_are_mapped(world: World, tree: bytes) -> None:
    info = start_alone(world, tree, size=PAGES << 12)
    assert not entry_at(info.ipc_buffer + 0x2000).valid


def test_no_tree_at_all(world: World) -> None:
    with pytest.raises(Panic, match="hands over no device tree, and this kernel was built without"):
        boot.start(USER, USER + 0x1000, (USER - VIRTUAL) % (1 << 64), ENTRY, 0, 0)


def test_memory_that_the_kernel_cannot_look_at_is_not_general(world: World) -> None:
    low = node("memory@80000000", {"reg": cells(0, RAM, 0, 16 << 20), "device_type": b"memory\0"})
    high = node("memory@3f00000000", {"reg": cells(0x3F, 0, 2, 0), "device_type": b"memory\0"})
    blob = flattened(node("", WIDE, low, high, CPUS, SOC))
    boot_survey(world, blob)
    ranges = [(r.start, r.end) for r in (boot.boot.general.items[i] for i in range(boot.boot.general.count))]
    assert ranges[-1] == (0x3F_0000_0000, 0x40_0000_0000)


def boot_survey(world: World, blob: bytes) -> None:
    world.write(TREE, blob)
    kernel_tree.read(window_of(TREE), len(blob))
    boot._survey(USER, USER + 0x1000, TREE, len(blob))
