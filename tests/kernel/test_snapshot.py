"""DebugSnapshot: the whole system as text, each object once, wherever its capabilities stand."""

from __future__ import annotations

import pytest

from pith.abi.syscalls import DebugCall
from pith.kernel import debug, scheduler, snapshot
from pith.kernel.cspace import insert, insert_new, move
from pith.kernel.objects import (
    ASIDControlCap,
    ASIDPool,
    ASIDPoolCap,
    Cap,
    CNodeCap,
    DomainCap,
    Endpoint,
    EndpointCap,
    FrameCap,
    FrameSize,
    IRQControlCap,
    IRQHandlerCap,
    Notification,
    NotificationCap,
    NullCap,
    PageTable,
    PageTableCap,
    PageTableEntry,
    Reply,
    ReplyCap,
    SchedContextCap,
    SchedControlCap,
    Slot,
    ThreadCap,
    ThreadSlot,
    ThreadState,
    UntypedCap,
    ZombieCap,
)
from pith.kernel.riscv64 import vspace
from pith.kernel.state import interrupts, kernel
from pith.metal import Struct, replace

from .conftest import World
from .running import Running, full_endpoint_cap
from .test_debug import printed

MEMORY = 0x8000_0000  # where all that the tests make lies


class Shown(Running):
    """A kernel that is up, with an initial CNode of 16 slots and nothing in it."""

    owns_all = False

    def __init__(self, world: World) -> None:
        super().__init__(world)
        kernel.root = self.root = world.cnode(4)

    def at(self, index: int) -> Slot:
        return self.world.slot_of(self.root, index)

    def keep(self, *caps: Cap) -> None:
        """Put the capabilities into the next free slots of the root, behind that to the root itself."""
        for cap in (self.root, *caps):
            free = next(slot for slot in map(self.at, range(16)) if isinstance(slot.cap, NullCap))
            self.world.put(free, cap)

    def name(self, kind: str, thing: Struct) -> str:
        return f"{kind}_{self.world.physical(thing):#x}"

    def sections(self) -> tuple[list[str], dict[str, list[str]]]:
        """The lines of `objects`; the paragraphs of `caps` by their objects' names."""
        self.world.processor.sbi_calls.clear()
        snapshot.take()
        text = printed(self)
        objects, _, caps = text.removeprefix("arch riscv\nobjects {\n").partition("}\ncaps {\n")
        paragraphs = (part.partition(" {\n") for part in caps.removesuffix("}\n").split("}\n") if part)
        return objects.splitlines(), {name: content.splitlines() for name, _, content in paragraphs}


@pytest.fixture
def system(world: World) -> Shown:
    return Shown(world)


def test_an_empty_system(system: Shown) -> None:
    assert system.sections() == ([], {})


def test_each_object_once_and_each_capability_where_it_stands(system: Shown) -> None:
    world = system.world
    endpoint, note, reply = world.make(Endpoint), world.make(Notification), world.make(Reply)
    memory = world.put(system.at(0), UntypedCap(24, False, MEMORY, 0x60))
    insert_new(EndpointCap(True, True, True, True, endpoint, 0), memory, system.at(1))
    insert_new(NotificationCap(True, True, note, 0), memory, system.at(2))
    insert_new(ReplyCap(True, reply), memory, system.at(3))
    insert(EndpointCap(True, False, True, False, endpoint, 7), system.at(1), system.at(4))
    insert(NotificationCap(False, True, note, 8), system.at(2), system.at(5))
    world.put(system.at(6), system.root)
    objects, caps = system.sections()
    assert sorted(objects) == sorted(
        [
            "ut_24_0x80000000 = ut (24 bits, paddr: 0x80000000) -- 0x60 bytes used",
            f"{system.name('ep', endpoint)} = ep",
            f"{system.name('notification', note)} = notification",
            f"{system.name('rtreply', reply)} = rtreply",
            f"{system.name('cnode', system.root.cnode)} = cnode (4 bits)",
        ]
    )
    assert caps == {
        system.name("cnode", system.root.cnode): [
            "0x0: ut_24_0x80000000",
            f"0x1: {system.name('ep', endpoint)} (RWGP, badge: 0x0)",
            f"0x2: {system.name('notification', note)} (RW, badge: 0x0)",
            f"0x3: {system.name('rtreply', reply)}",
            f"0x4: {system.name('ep', endpoint)} (WG, badge: 0x7)",
            f"0x5: {system.name('notification', note)} (R, badge: 0x8)",
            f"0x6: {system.name('cnode', system.root.cnode)} (guard: 0x0, guard_size: 60)",
        ]
    }


def test_threads_with_what_they_hold(system: Shown) -> None:
    world = system.world
    thread, note = system.thread(priority=9), world.make(Notification)
    thread.bound_notification, note.bound_thread = note, thread
    debug.set_name(thread, "driver")
    assert thread.context is not None
    world.put(system.at(1), ThreadCap(thread))
    world.put(system.at(2), SchedContextCap(8, thread.context))
    passive = system.passive()
    world.put(passive.slots[ThreadSlot.CSPACE], NullCap())
    world.put(passive.slots[ThreadSlot.BUFFER], NullCap())
    world.put(system.at(0), ThreadCap(passive))
    objects, caps = system.sections()
    nobody = f"thread {passive.address:#x}"
    assert objects == [
        f"{system.name('tcb', passive)} = tcb (prio: 10, max_prio: 255, dom: 0, ip: 0x0) -- {nobody}",
        f"{system.name('tcb', thread)} = tcb (prio: 9, max_prio: 255, dom: 0, ip: 0x0) -- driver",
        f"{system.name('sc', thread.context)} = sc (8 bits, period: 0, budget: 50000)",
    ]
    cnode, frame = thread.slots[ThreadSlot.CSPACE].cap, thread.slots[ThreadSlot.BUFFER].cap
    assert isinstance(cnode, CNodeCap) and isinstance(frame, FrameCap)
    assert caps == {
        system.name("tcb", passive): [],
        system.name("tcb", thread): [
            f"cspace: {system.name('cnode', cnode.cnode)} (guard: 0x0, guard_size: 56)",
            f"ipc_buffer_slot: frame_{frame.base:#x} (RW)",
            f"sc_slot: {system.name('sc', thread.context)}",
            f"notification_slot: {system.name('notification', note)}",
        ],
    }


def test_address_spaces(system: Shown) -> None:
    world = system.world
    root, table, pool = world.make(PageTable), world.make(PageTable), world.make(ASIDPool)
    vspace.make_kernel_root(root)
    root.entries[1] = vspace.table_entry(table)
    table.entries[511] = PageTableEntry(valid=1, read=1, frame=0x8020_0000 >> 12)
    pool.roots[2] = root
    world.put(system.at(0), ASIDPoolCap(0, pool))
    world.put(system.at(1), PageTableCap(True, True, root, 2, 0))
    world.put(system.at(2), PageTableCap(True, False, table, 2, 0x4000_0000))
    mega = world.put(system.at(3), FrameCap(FrameSize.MEGA, True, True, False, 0x8020_0000, 2, 0x7FE0_0000))
    insert(replace(mega.cap, can_write=False, asid=0, mapped_address=0), mega, system.at(4))  # type: ignore[arg-type]
    world.put(system.at(5), PageTableCap(False, False, world.make(PageTable), 0, 0))
    objects, caps = system.sections()
    assert "frame_0x80200000 = frame (2M, paddr: 0x80200000)" in objects and len(objects) == 5
    assert caps[system.name("asid_pool", pool)] == [f"0x2: {system.name('pt', root)}"]
    assert caps[system.name("pt", root)] == [
        f"0x1: {system.name('pt', table)}"
    ]  # nothing of the kernel's half
    assert caps[system.name("pt", table)] == ["0x1ff: frame_0x80200000"]
    world.put(system.at(6), system.root)
    content = system.sections()[1][system.name("cnode", system.root.cnode)]
    assert content[1:5] == [
        f"0x1: {system.name('pt', root)} (asid: 2, vaddr: 0x0)",
        f"0x2: {system.name('pt', table)} (asid: 2, vaddr: 0x40000000)",
        "0x3: frame_0x80200000 (RW, asid: 2, vaddr: 0x7fe00000)",
        "0x4: frame_0x80200000 (R)",
    ]


def test_what_is_a_capability_only(system: Shown) -> None:
    world, note = system.world, system.world.make(Notification)
    for index, cap in enumerate((SchedControlCap(0), DomainCap(), ASIDControlCap(), IRQControlCap())):
        world.put(system.at(index), cap)
    insert(IRQHandlerCap(10), system.at(3), system.at(4))
    world.put(interrupts.slots[10], NotificationCap(True, True, note, 4))
    world.put(system.at(5), ZombieCap(2, False, system.root.cnode, 3))
    world.put(system.at(6), system.root)
    objects, caps = system.sections()
    cnode = f"0x{world.physical(system.root.cnode):x}"
    assert objects == ["irq_10 = irq", f"zombie_{cnode} = zombie", f"cnode_{cnode} = cnode (4 bits)"]
    assert caps["irq_10"] == [f"0x0: {system.name('notification', note)} (RW, badge: 0x4)"]
    names = ["sched_control", "domain", "asid_control", "irq_control", "irq_10", f"zombie_{cnode}"]
    assert caps[f"cnode_{cnode}"][:6] == [f"{index:#x}: {name}" for index, name in enumerate(names)]


def test_copies_of_memory_are_one_object_and_parts_of_it_are_others(system: Shown) -> None:
    world = system.world
    whole = world.put(system.at(0), UntypedCap(20, False, 0x8800_0000, 0))
    insert(whole.cap, whole, system.at(1))
    insert_new(UntypedCap(12, False, 0x8800_0000, 0), system.at(1), system.at(2))
    objects, _ = system.sections()
    assert [line.split(" = ")[0] for line in objects] == ["ut_20_0x88000000", "ut_12_0x88000000"]


def test_memory_is_used_by_what_was_made_of_it(system: Shown) -> None:
    """What counts as used at boot, or was used by objects that are gone, is free; a copy has all that its source had."""
    world = system.world
    memory = world.put(system.at(0), UntypedCap(24, False, MEMORY, 1 << 24))

    def used() -> list[str]:
        return [line.split(" -- ")[1] for line in system.sections()[0] if line.startswith("ut_24")]

    assert used() == ["0x0 bytes used"]
    insert(memory.cap, memory, system.at(1))
    assert used() == ["0x0 bytes used"]
    world.put(system.at(2), system.root)
    system.at(1).cap = replace(memory.cap, watermark=0x40)  # type: ignore[arg-type]
    insert_new(EndpointCap(True, True, True, True, world.make(Endpoint), 0), system.at(1), system.at(3))
    assert used() == ["0x40 bytes used"]


def test_orders_whose_first_capability_was_moved_away(system: Shown) -> None:
    """They are found as long as the initial CNode holds any capability of theirs, and shown once."""
    world = system.world
    memory, elsewhere = world.put(system.at(0), UntypedCap(20, False, 0x8800_0000, 0)), world.slot()
    made = [world.make(Endpoint) for _ in range(3)]
    for index, endpoint in enumerate(made):
        insert_new(EndpointCap(True, True, True, True, endpoint, 0), memory, system.at(3 - index))
    move(memory.cap, memory, elsewhere)
    objects, _ = system.sections()
    assert len(objects) == 4 and objects[0].startswith("ut_20") and len(set(objects)) == 4


def test_the_system_call(system: Shown) -> None:
    thread = system.make_current(system.thread())
    assert thread.context is not None
    system.keep(ThreadCap(thread), SchedContextCap(8, thread.context))
    thread.slots[ThreadSlot.FAULT_HANDLER].cap = NotificationCap(
        False, False, system.world.make(Notification), 0
    )
    assert system.system_call(DebugCall.SNAPSHOT) is thread
    assert printed(system).count("tcb_") == 3  # an object, in a slot, and what it contains


def test_a_dump_of_the_scheduler_ends_with_those_that_it_does_not_know_of(system: Shown) -> None:
    runs, sleeps, elsewhere, waits = (system.thread(priority) for priority in (10, 7, 8, 9))
    threads = (runs, sleeps, elsewhere, waits)
    times = [SchedContextCap(8, thread.context) for thread in threads if thread.context is not None]
    other = full_endpoint_cap(system.endpoint())  # no thread: it is passed over
    system.keep(*map(ThreadCap, threads), *times, other)
    system.make_current(runs)
    for thread in (sleeps, elsewhere):
        scheduler.dequeue(thread)
    sleeps.state = ThreadState.INACTIVE
    elsewhere.domain = 1
    scheduler.enqueue_back(elsewhere)
    system.world.processor.sbi_calls.clear()
    system.system_call(DebugCall.DUMP_SCHEDULER)
    told = [line.partition(",")[0] for line in printed(system).splitlines()]
    assert told == [
        f"runs   thread {runs.address:#x}",
        f"ready  thread {waits.address:#x}",
        f"inactive thread {sleeps.address:#x}",
        f"runnable thread {elsewhere.address:#x}",
    ]
