"""Boot: from the loader's jump to the initial thread, which gets all that there is.

The loader has put the kernel, the user image and a device tree into memory; if it hands over no tree, the one that was
built into the kernel's image is read. The kernel surveys the memory, makes the objects of the initial thread, and gives
capabilities to all the rest away as untyped memory. After that the kernel allocates nothing any more: what it
needs itself, the root of its address space and the thread that idles, is a part of its image.

    general   the tree's memory nodes, less what is reserved and what lies below the kernel (the firmware's)
    taken     kernel image, user image, device tree, boot objects: out of `general`
    device    every other physical address, less the interrupt and timer hardware that the kernel drives itself
    boot      the part of the image that runs this: general memory again when it is done

Which untypeds there are can be told beforehand from the image's symbols `ki_end` and `ki_boot_end`, the size of the
user image and the memory: builders of static systems do, so `_survey` and `_give_memory` keep to what seL4 does, to
the byte. The boot objects are the largest first, so that each is aligned to its size, at the top of the highest range
that has room for all.

The initial thread's address space holds its image, and on the pages behind it the IPC buffer, the bootinfo that
describes its capabilities, and a copy of the device tree that was handed over. Manual: chapter "System Bootstrapping".
"""

from __future__ import annotations

from typing import Final

from pith.abi.bootinfo import (
    BOOTINFO_FRAME_BITS,
    EXTRA_DEVICE_TREE,
    EXTRA_HEADER_BYTES,
    INITIAL_CAPS,
    MAX_BOOTINFO_UNTYPEDS,
    BootInfo,
    ExtraHeader,
    RootSlot,
    SlotRegion,
)
from pith.abi.objects import (
    ASID_POOL_BITS,
    MAX_UNTYPED_BITS,
    MEGA_PAGE_BITS,
    MIN_SCHED_CONTEXT_BITS,
    MIN_UNTYPED_BITS,
    PAGE_BITS,
    PAGE_TABLE_BITS,
    SLOT_BITS,
    TCB_BITS,
    USER_TOP,
)
from pith.metal import MASK64, Inline, Struct, Value, export, replace, static, u6, u8, u32, u40, u64
from pith.metal.machine import copy_memory, panic, static_address, zero_memory

from . import binding, debug, memory_map, scheduler
from .context_invocation import configure
from .cspace import insert, slot_at
from .domain import LONGEST
from .memory_map import Ranges
from .objects import (
    MIN_REFILLS,
    ASIDControlCap,
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DerivationLink,
    DomainCap,
    FrameCap,
    FrameSize,
    IRQControlCap,
    PageTable,
    PageTableCap,
    Register,
    SchedContext,
    SchedContextCap,
    SchedControlCap,
    Slot,
    Thread,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    UntypedCap,
)
from .riscv64 import device_tree, fpu, plic, timer
from .riscv64.asid import assign
from .riscv64.device_tree import board
from .riscv64.frame import page_entry
from .riscv64.vspace import make_kernel_root, span_bits, table_entry, walk
from .riscv64.window import WINDOW_BYTES, in_window, physical_of, window_of
from .state import PRIORITIES, kernel

IMAGE_START: Final = 0x8020_0000  # physical; what lies below is the firmware's
DEVICE_TOP: Final = 1 << 39  # no device untyped reaches higher
PAGE: Final = 1 << PAGE_BITS
MEGA_PAGE: Final = 1 << MEGA_PAGE_BITS
ROOT_CNODE_BITS: Final = (
    13  # the number of its slots, a choice of who builds the kernel; at least a page, so 7
)
DOMAIN_COUNT: Final = 1  # likewise; at most `state.DOMAINS`
INITIAL_ASID: Final = 1
TIME_SLICE_MICROSECONDS: Final = 5000
HIGHEST_PRIORITY: Final = PRIORITIES - 1


class Boot(Struct):
    """What boot keeps in mind until it is done."""

    general: Inline[Ranges]
    device: Inline[Ranges]
    position: u64  # of the next boot object
    next_slot: u32  # of the root CNode
    untyped_count: u8


class Plan(Value):
    """Where the initial thread sees what. All but `image_physical` are virtual addresses, on whole pages."""

    image_physical: u64
    image: u64
    buffer: u64  # right behind the image
    info: u64
    extra: u64  # the bootinfo's extra part: the device tree
    end: u64  # `extra` if the loader handed over no tree


boot: Final = static(Boot)
kernel_root: Final = static(PageTable)  # entry.py fills it before there is anything else
idle_thread: Final = static(Thread)


@export("pith_kernel_start")
def start(
    user_start: u64, user_end: u64, user_offset: u64, user_entry: u64, tree: u64, tree_size: u64
) -> None:
    """Boot. All addresses are physical but the entry; `user_offset` is physical minus virtual, modulo 2**64.

    Without a tree (size 0) the board is the one that was built into the kernel. Afterwards the initial thread is current.
    """
    _read_board(tree, tree_size)
    plan = _plan(user_start, user_end, user_offset, tree_size)
    _survey(user_start, user_end, tree, tree_size)
    _reserve_objects(plan)
    _make_root_cnode()
    info = BootInfo.at(window_of(_allocate(BOOTINFO_FRAME_BITS)))
    _describe(info, plan, tree_size)
    _start_kernel()
    _make_address_space(plan, info, tree, tree_size)
    _make_thread(plan, user_entry)
    _give_memory(info)


def _read_board(tree: u64, tree_size: u64) -> None:
    """Read the device tree: the loader's, else the image's own."""
    if tree_size:
        device_tree.read(window_of(tree), tree_size)
        return
    start, end = in_window(static_address("pith_tree")), in_window(static_address("pith_tree_end"))
    if start == end:
        panic(
            "boot: the loader hands over no device tree, and this kernel was built without a board of its own"
        )
    device_tree.read(start, end - start)


def _plan(user_start: u64, user_end: u64, user_offset: u64, tree_size: u64) -> Plan:
    """Lay out the initial thread's address space."""
    if user_start % PAGE or user_start >= user_end:
        panic("boot: the user image is empty or does not begin on a page")
    image = (user_start - user_offset) & MASK64
    buffer = image + _whole_pages(user_end - user_start)
    extra = buffer + 2 * PAGE
    end = extra + _whole_pages(_extra_length(tree_size))
    if end > USER_TOP:
        panic("boot: the user image lies outside the user's addresses")
    return Plan(user_start, image, buffer, buffer + PAGE, extra, end)


def _extra_length(tree_size: u64) -> u64:
    """The bytes of the bootinfo's extra part."""
    return EXTRA_HEADER_BYTES + tree_size if tree_size else 0


def _whole_pages(size: u64) -> u64:
    return (size + PAGE - 1) // PAGE * PAGE


# Memory ---------------------------------------------------------------------------------------------------


def _survey(user_start: u64, user_end: u64, tree: u64, tree_size: u64) -> None:
    """Find out what there is, and take out what is in use."""
    for index in range(board.memory_count):
        memory_map.add(boot.general, board.memory[index].start, board.memory[index].end)
    memory_map.remove(boot.general, 0, IMAGE_START)
    memory_map.remove(boot.general, WINDOW_BYTES, MASK64)  # where the kernel cannot look
    for index in range(board.reserved_count):
        _take(board.reserved[index].start, board.reserved[index].end)
    memory_map.add(boot.device, 0, DEVICE_TOP)
    for index in range(boot.general.count):
        memory_map.remove(boot.device, boot.general.items[index].start, boot.general.items[index].end)
    _withhold(board.plic, board.plic_end)
    _withhold(board.clint, board.clint_end)
    _take(IMAGE_START, physical_of(in_window(static_address("ki_end"))))
    _take(user_start, user_end)
    _take(tree, tree + tree_size)
    if boot.general.count == 0:
        panic("boot: the memory nodes of the device tree leave no free memory")


def _take(start: u64, end: u64) -> None:
    """Take the pages from `start` to `end` out of general memory."""
    memory_map.remove(boot.general, start // PAGE * PAGE, _whole_pages(end))


def _withhold(start: u64, end: u64) -> None:
    """Keep a device for the kernel: the megapages that it lies in, as seL4 does, which maps it by them."""
    up = (end + MEGA_PAGE - 1) // MEGA_PAGE * MEGA_PAGE
    memory_map.remove(boot.device, start // MEGA_PAGE * MEGA_PAGE, up)


def _reserve_objects(plan: Plan) -> None:
    """Take and clear the memory of all boot objects: root CNode, whole pages, then what is smaller than a page."""
    pages = (
        2 + _table_count(plan, span_bits(2)) + _table_count(plan, span_bits(1))
    )  # address space, ASID pool
    pages += 2 + (plan.end - plan.extra) // PAGE  # IPC buffer, bootinfo
    size = (1 << ROOT_CNODE_BITS + SLOT_BITS) + pages * PAGE + (1 << TCB_BITS) + (1 << MIN_SCHED_CONTEXT_BITS)
    boot.position = memory_map.take_highest(boot.general, size, ROOT_CNODE_BITS + SLOT_BITS)
    zero_memory(window_of(boot.position), size)


def _allocate(size_bits: u6) -> u40:
    """The physical address of zeroed memory for an object that exists from the beginning.

    It is aligned to the object's size, for what came before was as large or larger.
    """
    start = boot.position
    boot.position += 1 << size_bits
    return start


def _give_memory(info: BootInfo) -> None:
    """Make untypeds of all that is left: devices, this very code, which has done its work, then the rest."""
    memory_map.add(boot.general, IMAGE_START, physical_of(in_window(static_address("ki_boot_end"))))
    first = boot.next_slot
    _give(boot.device, True, info)
    _give(boot.general, False, info)
    _record(info.untyped, first)
    info.empty.start = boot.next_slot
    info.empty.end = 1 << ROOT_CNODE_BITS


def _give(ranges: Ranges, is_device: bool, info: BootInfo) -> None:
    """Cut the ranges into the largest pieces of a power of two that are aligned to their size."""
    for index in range(ranges.count):
        start: u64 = ranges.items[index].start
        end = ranges.items[index].end
        while end - start >= 1 << MIN_UNTYPED_BITS and boot.untyped_count < MAX_BOOTINFO_UNTYPEDS:
            bits: u6 = min((end - start).bit_length() - 1, MAX_UNTYPED_BITS)
            while start % (1 << bits):
                bits -= 1
            description = info.untyped_list[boot.untyped_count]
            description.physical_address = start
            description.size_bits = bits
            description.is_device = int(is_device)
            # All of it counts as used, so that the first retype clears it.
            _add_slot(UntypedCap(bits, is_device, start, 1 << bits))
            boot.untyped_count += 1
            start += 1 << bits


# Capabilities ---------------------------------------------------------------------------------------------


def _set_slot(index: u32, cap: Cap) -> Slot:
    """Put an original capability into a slot of the root CNode."""
    slot = slot_at(kernel.root, index)
    slot.cap = cap
    slot.link = DerivationLink(True, True, None)
    return slot


def _add_slot(cap: Cap) -> None:
    """Put an original capability into the next slot of the root CNode."""
    if boot.next_slot >> ROOT_CNODE_BITS:
        panic("boot: the user image has more pages than the root CNode has slots")
    _set_slot(boot.next_slot, cap)
    boot.next_slot += 1


def _record(region: SlotRegion, first: u32) -> None:
    """Note that the slots from `first` on are what `region` is about."""
    region.start = first
    region.end = boot.next_slot


def _make_root_cnode() -> None:
    slots = Slot.at(window_of(_allocate(ROOT_CNODE_BITS + SLOT_BITS)))
    kernel.root = CNodeCap(0, ROOT_CNODE_BITS, slots, 0)
    boot.next_slot = INITIAL_CAPS
    _set_slot(RootSlot.CNODE, kernel.root)
    _set_slot(RootSlot.IRQ_CONTROL, IRQControlCap())
    _set_slot(RootSlot.ASID_CONTROL, ASIDControlCap())
    _set_slot(RootSlot.DOMAIN, DomainCap())


# The kernel's own -----------------------------------------------------------------------------------------


def _start_kernel() -> None:
    """Time, interrupts, domains, the kernel's half of every address space, and the thread that does nothing."""
    kernel.has_sstc = board.has_sstc and timer.is_lent()
    timer.initialise(board.timebase)
    fpu.initialise()
    plic.initialise(window_of(board.plic), board.plic_context)
    make_kernel_root(PageTable.at(in_window(kernel_root.address)))
    kernel.domain_count = DOMAIN_COUNT
    kernel.domain_schedule[0].duration = LONGEST
    scheduler.begin_domain(0)
    idle = Thread.at(in_window(idle_thread.address))
    idle.state = ThreadState.IDLE
    kernel.idle = idle


# The initial thread ---------------------------------------------------------------------------------------


def _make_address_space(plan: Plan, info: BootInfo, tree: u64, tree_size: u64) -> None:
    """Make the root and what is below it, map image, IPC buffer and bootinfo; slots in the order of the ABI."""
    pool = ASIDPool.at(window_of(_allocate(ASID_POOL_BITS)))
    kernel.asid_pools[0] = pool
    _set_slot(RootSlot.ASID_POOL, ASIDPoolCap(0, pool))
    root = PageTable.at(window_of(_allocate(PAGE_TABLE_BITS)))
    root_cap = PageTableCap(False, False, root, 0, 0)
    assign(_set_slot(RootSlot.VSPACE, root_cap), root_cap, pool, 0, INITIAL_ASID)

    first = boot.next_slot
    _make_tables(root, plan, span_bits(2))
    _make_tables(root, plan, span_bits(1))
    _record(info.user_image_paging, first)

    info_physical = physical_of(info.address)
    _set_slot(RootSlot.BOOTINFO_FRAME, _map_page(root, info_physical, plan.info, False))
    _set_slot(RootSlot.IPC_BUFFER, _map_page(root, _allocate(PAGE_BITS), plan.buffer, False))
    if tree_size:
        first = boot.next_slot
        _make_extra_bootinfo(root, plan, tree, tree_size)
        _record(info.extra_bootinfo_pages, first)

    first = boot.next_slot
    _add_slot(SchedControlCap(0))
    _record(info.sched_control, first)

    first = boot.next_slot
    for offset in range(0, plan.buffer - plan.image, PAGE):
        _add_slot(_map_page(root, plan.image_physical + offset, plan.image + offset, True))
    _record(info.user_image_frames, first)


def _table_count(plan: Plan, covered_bits: u6) -> u64:
    """How many page tables that each cover so much the plan needs."""
    return (plan.end - 1 >> covered_bits) - (plan.image >> covered_bits) + 1


def _make_tables(root: PageTable, plan: Plan, covered_bits: u6) -> None:
    """Map these page tables, in order of address."""
    address: u64 = plan.image >> covered_bits << covered_bits
    for _ in range(_table_count(plan, covered_bits)):
        table = PageTable.at(window_of(_allocate(PAGE_TABLE_BITS)))
        place = walk(root, address)
        place.table.entries[place.index] = table_entry(table)
        _add_slot(PageTableCap(True, False, table, INITIAL_ASID, address))
        address += 1 << covered_bits


def _map_page(root: PageTable, physical: u40, address: u64, may_execute: bool) -> FrameCap:
    """Map a page of the initial thread's; the capability to it."""
    cap = FrameCap(FrameSize.PAGE, True, True, False, physical, INITIAL_ASID, address)
    place = walk(root, address)
    place.table.entries[place.index] = page_entry(cap, may_execute)
    return cap


def _make_extra_bootinfo(root: PageTable, plan: Plan, tree: u64, tree_size: u64) -> None:
    """Copy the device tree behind a header onto pages of its own, which lie in a row."""
    first = _allocate(PAGE_BITS)
    for offset in range(0, plan.end - plan.extra, PAGE):
        physical = first if offset == 0 else _allocate(PAGE_BITS)
        _add_slot(_map_page(root, physical, plan.extra + offset, False))
    header = ExtraHeader.at(window_of(first))
    header.id = EXTRA_DEVICE_TREE
    header.length = _extra_length(tree_size)
    copy_memory(window_of(first) + EXTRA_HEADER_BYTES, window_of(tree), (tree_size + 7) // 8 * 8)


def _make_thread(plan: Plan, entry: u64) -> None:
    """Make the initial thread and its time slice, and let it be current."""
    thread = Thread.at(window_of(_allocate(TCB_BITS)))
    context = SchedContext.at(window_of(_allocate(MIN_SCHED_CONTEXT_BITS)))
    _set_slot(RootSlot.TCB, ThreadCap(thread))
    _set_slot(RootSlot.SCHED_CONTEXT, SchedContextCap(MIN_SCHED_CONTEXT_BITS, context))
    _lend(RootSlot.CNODE, thread, ThreadSlot.CSPACE)
    _lend(RootSlot.VSPACE, thread, ThreadSlot.VSPACE)
    _lend(RootSlot.IPC_BUFFER, thread, ThreadSlot.BUFFER)
    thread.registers[Register.NEXT_PC] = entry
    thread.registers[Register.A0] = plan.info
    thread.priority = HIGHEST_PRIORITY
    thread.max_priority = HIGHEST_PRIORITY
    thread.state = ThreadState.RUNNING
    debug.set_name(thread, "initial")
    kernel.current = thread
    slice_ticks = timer.to_ticks(TIME_SLICE_MICROSECONDS)
    configure(context, slice_ticks, slice_ticks, MIN_REFILLS)
    kernel.current_context = context
    kernel.used_since = kernel.now
    binding.bind(context, thread)


def _lend(index: RootSlot, thread: Thread, to: ThreadSlot) -> None:
    """Give the thread a copy of an initial capability for its own use."""
    source = slot_at(kernel.root, index)
    cap = source.cap
    insert(
        replace(cap, asid=0, mapped_address=0) if isinstance(cap, FrameCap) else cap, source, thread.slots[to]
    )


def _describe(info: BootInfo, plan: Plan, tree_size: u64) -> None:
    """What is known of the bootinfo before any capability is made."""
    info.extra_length = _extra_length(tree_size)
    info.node_count = 1
    info.ipc_buffer = plan.buffer
    info.root_cnode_size_bits = ROOT_CNODE_BITS
