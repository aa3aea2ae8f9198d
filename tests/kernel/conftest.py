"""A world for kernel tests: empty memory, a processor that writes down what it is told, makers of objects.

    def test_signal(world):
        notification = world.make(Notification)
        slot = world.slot(NotificationCap(True, True, notification, 0))
        ...

`world.make(Kind)` is a zeroed object at a fresh address; `world.slot(cap)` a slot that holds `cap` alone;
`world.thread()` a running thread with a CSpace and an IPC buffer; `world.call(...)` an invocation by the current
thread.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import pytest

from pith.abi.labels import Label
from pith.abi.messages import MESSAGE_MAX_CAPS, IPCBuffer, MessageInfo
from pith.kernel.message import Invocation
from pith.kernel.objects import (
    Cap,
    CNodeCap,
    DerivationLink,
    FrameCap,
    FrameSize,
    NullCap,
    Register,
    Slot,
    Thread,
    ThreadSlot,
    ThreadState,
    UntypedCap,
)
from pith.kernel.riscv64.csr import SSTATUS_FS
from pith.kernel.riscv64.window import IMAGE_OFFSET, physical_of, window_of
from pith.kernel.state import kernel
from pith.metal import Struct, machine, memory, size_of
from pith.verify.watch import checked

RAM = 0x8000_0000
RAM_SIZE = 16 << 20
STATICS = RAM + 0x20_3000  # in the kernel's image, behind 12 KiB where code would be that is for boot alone
FREE = RAM + 0x40_0000  # from here on the fixture makes objects

S = TypeVar("S", bound=Struct)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both-lives",
        action="store_true",
        help="ask the compiled kernel what tests ask CPython's, and compare",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("both_lives", default=False):
        from .both_lives import BothLives  # before any module of tests looks at the window

        config.pluginmanager.register(BothLives(), "both_lives")


@dataclass
class FakeProcessor:
    """Answers metal code and writes down what it was told; set `csrs` and `devices` to answer differently."""

    csrs: dict[str, int] = field(default_factory=dict)
    devices: dict[int, int] = field(default_factory=dict)
    symbols: dict[str, int] = field(default_factory=dict)
    sbi_calls: list[tuple[int, ...]] = field(default_factory=list)
    device_stores: list[tuple[int, int, int]] = field(default_factory=list)
    fences: list[tuple[int | None, int | None]] = field(default_factory=list)
    float_saves: list[int] = field(default_factory=list)
    float_restores: list[int] = field(default_factory=list)
    reservations_ended: int = 0
    waits: int = 0

    def csr_read(self, name: str) -> int:
        return self.csrs.get(name, 0)

    def csr_write(self, name: str, value: int) -> None:
        self.csrs[name] = value

    def sbi_call(self, *arguments: int) -> tuple[int, int]:
        self.sbi_calls.append(arguments)
        return 0, 0

    def device_load(self, address: int, size: int) -> int:
        return self.devices.get(address, 0)

    def device_store(self, address: int, size: int, value: int) -> None:
        self.devices[address] = value
        self.device_stores.append((address, size, value))

    def translation_fence(self, address: int | None, asid: int | None) -> None:
        self.fences.append((address, asid))

    def wait_for_interrupt(self) -> None:
        self.waits += 1

    def instruction_fence(self) -> None:
        pass

    def end_reservation(self) -> None:
        self.reservations_ended += 1

    def symbol(self, name: str) -> int:
        return self.symbols[name]

    def save_float(self, address: int) -> None:
        self.float_saves.append(address)

    def restore_float(self, address: int) -> None:
        self.float_restores.append(address)
        self.csrs["sstatus"] = self.csrs.get("sstatus", 0) | SSTATUS_FS  # dirty

    def system_call(self, registers: tuple[int, ...]) -> tuple[int, ...]:
        raise AssertionError("the kernel made a system call")


class World:
    """Memory, a processor, and makers of kernel objects."""

    newest: ClassVar[World | None] = None  # whose memory is attached

    def __init__(self, processor: FakeProcessor, free: int) -> None:
        World.newest = self
        self.processor = processor
        self.free = free  # physical

    # Objects ----------------------------------------------------------------------------------------------

    def place(self, size: int, alignment: int | None = None) -> int:
        """The physical address of `size` fresh zeroed bytes, aligned to their size unless told otherwise."""
        alignment = alignment or 1 << (size - 1).bit_length()
        start = -(-self.free // alignment) * alignment
        self.free = start + size
        assert self.free <= RAM + RAM_SIZE, "the fixture's memory is used up"
        return start

    def make(self, kind: type[S], size: int | None = None) -> S:
        """A zeroed object at a fresh address, aligned to its size as retype would."""
        size = size or size_of(kind)
        made = kind.at(window_of(self.place(1 << (size - 1).bit_length())))
        self.owns(made)
        return made

    def owns(self, made: Struct) -> None:
        """Called with every object that is made: a kernel that is up keeps a capability to it."""

    def slot(self, cap: Cap | None = None) -> Slot:
        """A slot that holds `cap`, alone in the derivation order, an original."""
        slot = self.make(Slot)
        self.put(slot, cap if cap is not None else NullCap())
        return slot

    def put(self, slot: Slot, cap: Cap) -> Slot:
        """Make `slot` hold `cap` as an original, alone in the derivation order."""
        slot.cap = cap
        original = not isinstance(cap, NullCap)
        slot.link = DerivationLink(original, original, None)
        return slot

    def cnode(self, radix: int = 8, guard_size: int | None = None, guard: int = 0) -> CNodeCap:
        """A CNode; its guard makes up for the rest of a word unless told otherwise."""
        first = Slot.at(window_of(self.place(32 << radix)))
        for index in range(1 << radix):
            self.put(Slot.at(first.address + 32 * index), NullCap())
        bits_below = 0 if guard_size is None else 64 - radix - guard_size
        return CNodeCap(bits_below, radix, first, guard)

    def slot_of(self, cnode: CNodeCap, index: int) -> Slot:
        """Slot number `index` of a CNode."""
        assert index < 1 << cnode.radix
        return Slot.at(cnode.cnode.address + 32 * index)

    def untyped(self, size_bits: int, is_device: bool = False) -> Slot:
        """A slot with an untyped that nothing was made of."""
        return self.slot(UntypedCap(size_bits, is_device, self.place(1 << size_bits), 0))

    def frame(self, size: FrameSize = FrameSize.PAGE, is_device: bool = False) -> FrameCap:
        """A frame with all rights, not mapped."""
        return FrameCap(size, True, True, is_device, self.place(1 << 12 + 9 * size), 0, 0)

    def thread(self, radix: int = 8) -> Thread:
        """A running thread with a CSpace of 2**radix slots and an IPC buffer; no time, no priority."""
        thread = self.make(Thread)
        thread.state = ThreadState.RUNNING
        for index in range(5):
            self.put(thread.slots[index], NullCap())
        self.put(thread.slots[ThreadSlot.CSPACE], self.cnode(radix))
        self.put(thread.slots[ThreadSlot.BUFFER], self.frame())
        return thread

    def buffer(self, thread: Thread) -> IPCBuffer:
        """The thread's IPC buffer, as the kernel sees it."""
        cap = thread.slots[ThreadSlot.BUFFER].cap
        assert isinstance(cap, FrameCap)
        return IPCBuffer.at(window_of(cap.base) + thread.buffer_offset)

    def root_slot(self, thread: Thread, index: int) -> Slot:
        """Slot `index` of the thread's root CNode."""
        cap = thread.slots[ThreadSlot.CSPACE].cap
        assert isinstance(cap, CNodeCap)
        return self.slot_of(cap, index)

    # Invocations ------------------------------------------------------------------------------------------

    def call(
        self, label: Label | int, *words: int, slot: Slot | None = None, caps: tuple[Slot, ...] = ()
    ) -> Invocation:
        """An invocation by the current thread (made if there is none) with these words and extra capabilities."""
        thread = kernel.current
        if thread is None:
            thread = kernel.current = self.thread()
        buffer = self.buffer(thread)
        kernel.caller_buffer, kernel.wants_answer = buffer, True
        for index, word in enumerate(words):
            if index < 4:
                thread.registers[Register.A2 + index] = word
            else:
                buffer.words[index] = word
        for index in range(MESSAGE_MAX_CAPS):
            kernel.extra_slots[index] = caps[index] if index < len(caps) else None
        info = MessageInfo(len(words), len(caps), label=int(label))
        return Invocation(info, slot or self.slot(), capability_address=0)

    def result(self, index: int) -> int:
        """Word `index` of the answer to the current thread."""
        thread = kernel.current
        assert thread is not None
        return thread.registers[Register.A2 + index] if index < 4 else self.buffer(thread).words[index]

    # Memory -----------------------------------------------------------------------------------------------

    def bytes_at(self, physical: int, length: int) -> bytes:
        """What memory holds."""
        return bytes(memory.view_u8[physical - RAM : physical - RAM + length])

    def write(self, physical: int, data: bytes) -> None:
        """Change what memory holds."""
        memory.view_u8[physical - RAM : physical - RAM + len(data)] = data

    def physical(self, thing: Any) -> int:
        """The physical address of a kernel object."""
        return physical_of(thing.address)


def fresh_world() -> World:
    """A fresh machine's memory, with the kernel's statics zeroed and nothing else in it."""
    buffer = mmap.mmap(-1, RAM_SIZE)
    start, statics, free = window_of(RAM), window_of(STATICS), window_of(FREE)
    assert memory.attach(buffer, start, statics) <= free
    processor = FakeProcessor()
    # The kernel knows the parts of its image by its linker's word, virtual addresses. No device tree is built in.
    for name, physical in {
        "ki_boot_end": STATICS,
        "ki_end": FREE,
        "pith_tree": 0,
        "pith_tree_end": 0,
    }.items():
        processor.symbols[name] = IMAGE_OFFSET + physical
    machine.install(processor)
    kernel.fpu_status = SSTATUS_FS  # off
    return World(processor, FREE)


@pytest.fixture
def world() -> World:
    """A fresh world for each test; tests that try many examples make their own with `fresh_world`."""
    return fresh_world()


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """After every kernel entry the invariants hold, unless the test is marked `made_up`: of a state that cannot be."""
    from . import running  # which needs this module

    if request.node.get_closest_marker("made_up") is None:
        monkeypatch.setattr(running, "handle_trap", checked(running.handle_trap))
