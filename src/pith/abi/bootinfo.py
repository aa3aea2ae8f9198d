"""What the kernel tells the initial thread (manual, "System bootstrapping"; libsel4 `bootinfo_types.h`)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pith.metal import Array, Inline, Struct, array, u8, u64

MAX_BOOTINFO_UNTYPEDS: Final = 230
BOOTINFO_FRAME_BITS: Final = 12
EXTRA_HEADER_BYTES: Final = 16
EXTRA_DEVICE_TREE: Final = 6


class RootSlot(IntEnum):
    """The initial capabilities' fixed slots in the root CNode."""

    NULL = 0
    TCB = 1
    CNODE = 2
    VSPACE = 3
    IRQ_CONTROL = 4
    ASID_CONTROL = 5
    ASID_POOL = 6
    IO_PORT_CONTROL = 7
    IO_SPACE = 8
    BOOTINFO_FRAME = 9
    IPC_BUFFER = 10
    DOMAIN = 11
    SMMU_SID_CONTROL = 12
    SMMU_CB_CONTROL = 13
    SCHED_CONTEXT = 14
    SMC = 15


INITIAL_CAPS: Final = 16


class SlotRegion(Struct, size=16):
    """Slots start..end-1 of the root CNode."""

    start: u64
    end: u64


class UntypedDescription(Struct, size=16):
    """One initial untyped."""

    physical_address: u64
    size_bits: u8
    is_device: u8


class BootInfo(Struct, size=3864):
    """The bootinfo frame's contents."""

    extra_length: u64
    node_id: u64
    node_count: u64
    io_page_table_levels: u64
    ipc_buffer: u64
    empty: Inline[SlotRegion]
    shared_frames: Inline[SlotRegion]
    user_image_frames: Inline[SlotRegion]
    user_image_paging: Inline[SlotRegion]
    io_space_caps: Inline[SlotRegion]
    extra_bootinfo_pages: Inline[SlotRegion]
    root_cnode_size_bits: u64
    initial_domain: u64
    sched_control: Inline[SlotRegion]
    untyped: Inline[SlotRegion]
    untyped_list: Array[UntypedDescription] = array(MAX_BOOTINFO_UNTYPEDS)


class ExtraHeader(Struct, size=16):
    """Precedes each piece of extra bootinfo; `length` counts the header."""

    id: u64
    length: u64
