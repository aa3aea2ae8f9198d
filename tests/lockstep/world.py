"""A small world: one megabyte, a kernel that has booted in them, and threads that were made by system calls.

`World` is one kernel's: its memory, its processor, and a way in. There may be several, which boot alike and are then
driven alike; `memory` of one begins where that of the others does, so that equal means equal, byte by byte.
The kernel's window lies low, where a process may map memory at the very address (see `compiled.py`).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from pith.kernel import boot, debug, scheduler
from pith.kernel.objects import FrameCap, Register, Thread, ThreadSlot
from pith.kernel.resume import begin
from pith.kernel.riscv64 import trap, window
from pith.kernel.state import kernel
from pith.machine import device_tree
from pith.metal import machine, memory
from pith.verify import extent, naming

from .processor import Processor
from .steps import Step

WINDOW: Final = 0x10_0000_0000
RAM: Final = 0x8020_0000
RAM_END: Final = 0x8030_0000
SIZE: Final = RAM_END - RAM
BASE: Final = WINDOW + RAM
IMAGE: Final = 0x1_0000  # the initial thread's, virtual
PC: Final = IMAGE + 0x40
SETTINGS: Final = {
    (window, "WINDOW_BASE"): WINDOW,
    (naming, "WINDOW_BASE"): WINDOW,
    (extent, "WINDOW_BASE"): WINDOW,
    (boot, "ROOT_CNODE_BITS"): 8,
    (boot, "DOMAIN_COUNT"): 3,
    (debug, "DEBUG"): False,
    (scheduler, "PREEMPTION_WORK"): 3,  # so that long operations are interrupted often
}


@contextmanager
def small_kernel() -> Iterator[None]:
    """A time in which the kernel's constants are this world's, for CPython and for the compiler."""
    before = {(module, name): vars(module)[name] for module, name in SETTINGS}
    for (module, name), value in SETTINGS.items():
        vars(module)[name] = value
    try:
        yield
    finally:
        for (module, name), value in before.items():
            vars(module)[name] = value


class Life(Protocol):
    """A kernel, its memory and its processor."""

    words: memoryview
    processor: Processor

    def enter(self, cause: int, value: int) -> int:
        """One kernel entry; the address of the thread to go on. Raises Asleep, or whatever stops the kernel."""


class Interpreted:
    """The kernel as Python."""

    def __init__(self) -> None:
        self.memory: Any = mmap.mmap(-1, SIZE)
        self.words = memoryview(self.memory).cast("Q")
        self.processor = Processor(self.words, BASE)
        self.attach()

    def attach(self) -> None:
        """Be the memory and the processor that Python's kernel has."""
        self.end_of_statics = memory.attach(self.memory, BASE)
        machine.install(self.processor)

    def enter(self, cause: int, value: int) -> int:
        return trap.handle_trap(cause, value).address

    def boot(self) -> None:
        """From the loader to the initial thread."""
        tree = device_tree.flatten(device_tree.virt(RAM_END - 0x8000_0000))
        image_end = -(-(self.end_of_statics - WINDOW) // 4096) * 4096
        user = image_end + 0x4000
        user_end = user + 0x1000
        self.memory[image_end - RAM : image_end - RAM + len(tree)] = tree
        setattr(self.processor, "symbol", lambda name: window_end(image_end))
        boot.start(user, user_end, (user - IMAGE) % (1 << 64), PC, image_end, len(tree))
        begin()


def window_end(physical: int) -> int:
    """Where the kernel's image ends, as its linker has it."""
    return window.IMAGE_OFFSET + physical


def prepare(life: Life, step: Step, thread: int, buffer: int | None) -> None:
    """Do to one life what precedes the entry: the thread's own instructions, time, devices."""
    words, processor = life.words, life.processor
    registers = (thread - BASE) >> 3
    for index, value in step.registers:
        words[registers + index] = value
    words[registers + Register.FAULT_PC] = words[registers + Register.NEXT_PC] = PC
    if buffer is not None:
        for index, value in step.buffer:
            words[buffer + index] = value
    if step.float is not None and processor.sstatus >> 13 & 3:
        processor.float[step.float % len(processor.float)] = step.float
    processor.prepare(step.elapse, step.look, step.lines)


def buffer_word(thread: Thread) -> int | None:
    """Where the thread's IPC buffer begins in memory, as an index of words; None if it has none that it may write."""
    cap = thread.slots[ThreadSlot.BUFFER].cap
    if not isinstance(cap, FrameCap) or cap.is_device or not cap.can_write:
        return None
    start = cap.base + thread.buffer_offset
    return (start - RAM) >> 3 if RAM <= start <= RAM_END - 1024 else None


def current() -> Thread:
    """Who runs, in the memory that Python's kernel has."""
    thread = kernel.current
    assert thread is not None
    return thread
