"""A small world: half a megabyte, a kernel that boots in it, and steps that are done to it.

There are several lives of one world, which boot alike and are then driven alike; the memory of one begins where that of the
others does, so that equal means equal, byte by byte. Here is what all lives have in common, and the first: Python's own.
"""

from __future__ import annotations

import mmap
from random import Random
from typing import Any, Final, Protocol

from pith.kernel import boot
from pith.kernel.objects import FrameCap, Register, Thread, ThreadSlot
from pith.kernel.resume import begin
from pith.kernel.riscv64 import trap, window
from pith.kernel.riscv64.csr import SSTATUS_FS
from pith.kernel.state import kernel
from pith.machine import board, device_tree
from pith.metal import machine, memory, size_of

from .builds import RAM, Build
from .processor import Processor
from .steps import Step

PAGE: Final = 4096
IMAGE: Final = 0x1_0000  # the initial thread's, virtual
PC: Final = IMAGE + 0x40
ROOTS: Final = (trap.handle_trap, boot.start, begin)  # what compiled kernels are entered by


class Life(Protocol):
    """A kernel, its memory and its processor."""

    words: memoryview
    processor: Processor

    def enter(self, cause: int, value: int) -> int:
        """One kernel entry; the address of the thread to go on. Raises Asleep, or whatever stops the kernel."""

    def boot(self, arguments: tuple[int, ...]) -> int:
        """`boot.start` with these arguments, and the way out; the address of the first thread."""


class Interpreted:
    """The kernel as Python. Make it first: the others take over the places of its statics."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.memory: Any = mmap.mmap(-1, build.ram_bytes)
        self.words = memoryview(self.memory).cast("Q")
        self.processor = Processor(self.words, build.base)
        self.attach()

    def attach(self) -> None:
        """Be the memory and the processor that Python's kernel has."""
        memory.attach(self.memory, self.build.base)
        machine.install(self.processor)

    def enter(self, cause: int, value: int) -> int:
        self.processor.stval = value
        return trap.handle_trap(cause).address

    def boot(self, arguments: tuple[int, ...]) -> int:
        setattr(self.processor, "symbol", symbols(self.build).__getitem__)
        boot.start(*arguments)
        return begin().address


# Boot -----------------------------------------------------------------------------------------------------


def image_end(build: Build) -> int:
    """The physical address where the kernel's image ends: behind its statics, on a whole page."""
    last = max(memory.statics, key=lambda static: static.address)
    return -(-(last.address + size_of(type(last)) - build.window) // PAGE) * PAGE


def symbols(build: Build) -> dict[str, int]:
    """What a linker would know: virtual addresses. No code is for boot alone, and no device tree is built in."""
    start, end = window.IMAGE_OFFSET + RAM, window.IMAGE_OFFSET + image_end(build)
    return {"ki_boot_end": start, "ki_end": end, "pith_tree": start, "pith_tree_end": start}


def tree_of(build: Build) -> bytes:
    """The board's device tree."""
    root = device_tree.virt(build.ram_end - board.MEMORY_BASE)
    if build.has_sstc:
        properties = root.find("cpus/cpu@0").properties
        properties["riscv,isa"] = f"{properties['riscv,isa']}_sstc"
    return device_tree.flatten(root)


def load(lives: list[Life], build: Build, image: int = IMAGE, pages: int = 1) -> tuple[int, ...]:
    """Put the device tree and the user image behind the kernel, as a loader does; what it tells `boot.start`.

    The image takes so many pages from the virtual address `image` on. Statics are zero, and all other memory holds garbage.
    """
    tree, end = tree_of(build), image_end(build)
    user = end + 4 * PAGE
    garbage = Random(f"{image} {pages}").randbytes(build.ram_end - end - len(tree))
    content = bytes(end - RAM) + tree + garbage
    for life in lives:
        life.words.cast("B")[:] = content
    return user, user + pages * PAGE, (user - image) % (1 << 64), image + PC - IMAGE, end, len(tree)


# Steps ----------------------------------------------------------------------------------------------------


def prepare(life: Life, step: Step, registers: int, buffer: int | None) -> None:
    """Do to one life what precedes the entry: the thread's own instructions, time, devices.

    `registers` and `buffer` are where the thread has them in memory, as indexes of words.
    """
    words, processor = life.words, life.processor
    for index, value in step.registers:
        words[registers + index] = value
    words[registers + Register.FAULT_PC] = words[registers + Register.NEXT_PC] = PC
    if buffer is not None:
        for index, value in step.buffer:
            words[buffer + index] = value
    if step.float is not None and processor.sstatus >> 13 & 3:
        processor.float[step.float % len(processor.float)] = step.float
        processor.sstatus |= SSTATUS_FS  # dirty
    processor.prepare(step.elapse, step.look, step.lines)


def registers_word(thread: Thread) -> int:
    """Where the thread's registers begin in memory, as an index of words."""
    return (thread.registers.address - memory.base) >> 3


def buffer_word(thread: Thread) -> int | None:
    """Where the thread's IPC buffer begins, as an index of words; None if it has none that it may write."""
    cap = thread.slots[ThreadSlot.BUFFER].cap
    if not isinstance(cap, FrameCap) or cap.is_device or not cap.can_write:
        return None
    start = cap.base + thread.buffer_offset
    return (start - RAM) >> 3 if RAM <= start <= RAM + memory.size - 1024 else None


def current() -> Thread:
    """Who runs, in the memory that Python's kernel has."""
    thread = kernel.current
    assert thread is not None
    return thread
