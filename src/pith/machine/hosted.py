"""The hosted machine: the kernel is Python, user programs are real machine code, and time is exact.

One loop. If an interrupt is pending, the kernel is entered with it; else the thread that the kernel chose runs, in the
emulator, up to the next deadline or its next trap, and the kernel is entered with that. A kernel with no thread to run waits
for an interrupt, and the machine sleeps to the next event. Physical memory is one anonymous mapping, shared by the emulator and by `pith.metal.memory`, in
which the kernel's objects live at the addresses that they would have on the metal.

Only one hosted machine can be open in a process at a time, for metal structs live in one arena.
"""

from __future__ import annotations

import mmap
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import pith
from pith.metal import machine as metal_machine
from pith.metal import memory as metal_memory

from . import board, device_tree
from .bus import Bus
from .console import InputSource
from .core import Core
from .image import BootImage
from .interface import DEFAULT_MEMORY, Ending, Machine, Registers
from .peripherals import EmptyVirtioSlot, RealTimeClock, TestDevice
from .plic import Plic
from .processor import KERNEL_ENTRY, NEVER, HostedProcessor
from .python_kernel import Kernel, Paused, PithKernel
from .uart import Uart

SLICE: Final = 5_000_000  # instructions between two looks at the outside, some hundredths of a second
ENTRIES_BETWEEN_LOOKS: Final = 500
INSTRUCTIONS_PER_SECOND: Final = board.TICKS_PER_SECOND * board.INSTRUCTIONS_PER_TICK
MOST_WAITING: Final = 4096  # bytes on the serial line that the program has not read
LONGEST_NAP: Final = 0.1  # seconds of the outside, so that the end of a run's time is noticed
PATIENCE: Final = 1.0  # seconds of processor time that a kernel entry may take after the run's time is over
PANIC_STATUS: Final = 1
KERNEL_SOURCE: Final = Path(pith.__file__).parent / "kernel"
NEXT_PC, FAULT_PC = 31, 32  # words of a context
NO_RESERVE: Final = getattr(mmap, "MAP_NORESERVE", 0x4000)

Entry = Callable[[int, int], int]
Trace = Callable[[int, int], None]


class Overdue(BaseException):
    """The run's time is over, and the kernel does not come back from an entry. No kernel catches it."""


class HostedMachine(Machine):
    """CPython and Unicorn in the place of the board. `trace` is called before each kernel entry.

    `tree` replaces the device tree of the board as it is; without `hands_over_tree` the kernel has it built in.
    """

    name = "hosted"

    def __init__(
        self,
        image: BootImage,
        *,
        memory: int = DEFAULT_MEMORY,
        echo: Callable[[bytes], None] | None = None,
        keyboard: InputSource | None = None,
        kernel: Kernel | None = None,
        tree: bytes | None = None,
        hands_over_tree: bool = True,
        trace: Trace | None = None,
    ) -> None:
        super().__init__(image, memory=memory, echo=echo, keyboard=keyboard)
        self.kernel: Kernel = PithKernel() if kernel is None else kernel
        self.tree = device_tree.flatten(device_tree.virt(memory)) if tree is None else tree
        self.hands_over_tree = hands_over_tree
        self.trace = trace
        self.enter: Entry = self.kernel.handle_trap
        self.ram = mmap.mmap(-1, memory, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
        self.started = False
        self.context: int | None = None  # of the thread that runs; None: the kernel has yet to say
        self.last_context = 0
        self.ending = Ending.STOPPED  # why the kernel's wait was cut short
        self._build_board()
        self._load()

    def _build_board(self) -> None:
        self.plic = Plic()
        self.uart = Uart(self.write_console, lambda up: self.plic.set_line(board.SERIAL_INTERRUPT, up))
        self.bus = Bus()
        self.bus.attach(board.INTERRUPT_CONTROLLER.base, self.plic)
        self.bus.attach(board.SERIAL.base, self.uart)
        self.bus.attach(board.TEST_DEVICE.base, TestDevice(self.end))
        self.bus.attach(board.REAL_TIME_CLOCK.base, RealTimeClock(lambda: self.core.counters.count))
        for region in board.VIRTIO:
            self.bus.attach(region.base, EmptyVirtioSlot())
        self.core = Core(self.ram, self.bus)
        self.processor = HostedProcessor(self.core, self.bus, self.plic, self, self._symbol)

    def _load(self) -> None:
        """Put the user image and the device tree where firmware and loader would."""
        self._store(self.image.table.user_start, self.image.user_data)
        self._store(self.image.table.tree, self.tree)
        window = board.MEMORY_BASE + board.WINDOW_OFFSET
        kernel = self.image.table.kernel_start + board.WINDOW_OFFSET
        end = metal_memory.attach(self.ram, window, kernel)
        if end > self.image.table.kernel_end + board.WINDOW_OFFSET:
            raise MemoryError("the kernel's statics do not fit where the image keeps room for them")
        metal_machine.install(self.processor)

    def _symbol(self, name: str) -> int:
        """What the linker knows on the metal: where the parts of the kernel's image are. No code of it is for boot alone."""
        table = self.image.table
        places = {
            "ki_boot_end": table.kernel_start,
            "ki_end": table.kernel_end,
            "pith_tree": table.tree,
            "pith_tree_end": table.tree + len(self.tree),
        }
        if name not in places:
            raise KeyError(f"the hosted machine knows no linker symbol {name}")
        return places[name] + board.KERNEL_OFFSET

    # What the devices and the firmware do to the machine ----------------------------------------------------

    def write_console(self, byte: int) -> None:
        self.console.write(bytes((byte,)))

    def read_console(self) -> int | None:
        return self.uart.waiting.popleft() if self.uart.waiting else None

    def end(self, status: int) -> None:
        self.exit_status = status

    def send(self, text: str) -> None:
        self.uart.receive(text.encode())

    # Running --------------------------------------------------------------------------------------------

    def run(
        self, until: str | None = None, *, instructions: int | None = None, seconds: float | None = None
    ) -> Ending:
        if self.stopped_in:
            raise RuntimeError("the kernel was stopped in the middle of an entry, and cannot go on")
        self.console.expect(until)
        self.last = NEVER if instructions is None else self.instructions + instructions
        self.give_up = None if seconds is None else time.monotonic() + seconds
        try:
            with self._alarm(seconds):
                return self._run()
        except Paused:
            return self.ending
        except Overdue as stop:
            self.stopped_in = kernel_frames(stop)
            return Ending.SECONDS
        except KeyboardInterrupt as stop:
            self.stopped_in = kernel_frames(stop)
            raise
        except metal_machine.Panic as panic:
            self._report(panic)
            return Ending.EXIT

    def _run(self) -> Ending:
        if not self.started:
            self.started = True
            self.context = self.kernel.start(self.image.table, len(self.tree) if self.hands_over_tree else 0)
        while True:
            look_out = self.instructions + SLICE
            for _ in range(ENTRIES_BETWEEN_LOOKS):
                if (ending := self._ending()) is not None:
                    return ending
                if self.instructions >= look_out:
                    break
                self._step()
            if self._is_over():
                return Ending.SECONDS
            self._listen(0)

    @contextmanager
    def _alarm(self, seconds: float | None) -> Iterator[None]:
        """Raise Overdue in a kernel that does not come back when the run's time is over.

        The loop looks at the clock between kernel entries; inside of one only the host can, with a signal, which Python
        delivers to the main thread between two of its instructions. On a busy computer a second may bring an entry nothing: its own
        processor time counts. A run in another thread has no alarm.
        """
        if seconds is None or threading.current_thread() is not threading.main_thread():
            yield
            return

        seen = (
            -1,
            0.0,
        )  # an entry, known by the instruction that it began at, and the processor time when it was seen

        def ring(number: int, frame: FrameType | None) -> None:
            nonlocal seen
            entry, used = self.instructions, time.process_time()
            if self.context is not None or entry != seen[0]:
                seen = (entry, used)
            elif used - seen[1] >= PATIENCE:
                raise Overdue

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, LONGEST_NAP), LONGEST_NAP)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _report(self, panic: metal_machine.Panic) -> None:
        """The kernel stopped itself: say so and end, as `pith.kernel.panic` does on the metal."""
        *_, caller, _ = traceback.extract_tb(panic.__traceback__)  # the last is `panic` itself
        self.console.write(f"\nkernel panic at {caller.filename}:{caller.lineno}: {panic}\n".encode())
        self.exit_status = PANIC_STATUS

    @property
    def instructions(self) -> int:
        """The time since power-on, in instructions."""
        return self.core.counters.count

    def _ending(self) -> Ending | None:
        if self.exit_status is not None:
            return Ending.EXIT
        if self.console.found:
            return Ending.TEXT
        if self.stopped:
            self.stopped = False
            return Ending.STOPPED
        return Ending.INSTRUCTIONS if self.instructions >= self.last else None

    def _is_over(self) -> bool:
        return self.give_up is not None and time.monotonic() >= self.give_up

    def _step(self) -> None:
        """A kernel entry, or a stretch of user code up to its next trap and the entry that this makes."""
        cause = self.processor.interrupt()
        if self.context is None:
            self.context = self.kernel.resume()
        elif cause is not None:
            self._enter_kernel(self.context, cause, 0)
        else:
            self._run_user(self.context)

    def _run_user(self, context: int) -> None:
        now = self.instructions
        limit = min(now + SLICE, self.last)
        deadline = self.processor.instructions_to_deadline()
        if deadline is not None:
            limit = min(limit, now + deadline)
        trap = self.core.run(context - metal_memory.base, limit)
        if trap is not None:
            self._enter_kernel(context, trap.cause, trap.value)

    def _enter_kernel(self, context: int, cause: int, value: int) -> None:
        self.last_context = context
        words, first = self.core.words, context - metal_memory.base >> 3
        words[first + FAULT_PC] = words[first + NEXT_PC]
        self.processor.registers["stval"] = value
        self.processor.charge(KERNEL_ENTRY)
        if self.trace is not None:
            self.trace(cause, value)
        self.context = None  # until the kernel has decided
        self.context = self.enter(cause, value)

    @property
    def kernel_state(self) -> int:
        if not isinstance(self.kernel, PithKernel):
            return 0
        return self.kernel.state_address() - board.WINDOW_OFFSET

    def registers(self) -> Registers | None:
        if self.context is None or self.exit_status is not None:
            return None
        first = self.context - metal_memory.base >> 3
        words = [int(word) for word in self.core.words[first : first + FAULT_PC + 1]]
        return Registers(words[NEXT_PC], (0, *words[:NEXT_PC]), words[FAULT_PC])

    def register(self, number: int) -> int:
        """A word of the context that ran last: x(number + 1), or its program counter."""
        return self.core.words[(self.last_context - metal_memory.base >> 3) + number]

    # Sleeping and listening -----------------------------------------------------------------------------

    def sleep(self) -> None:
        """The kernel waits: go to the next event. Raises Paused when the run ends first."""
        while self.processor.interrupt() is None:
            ending = self._ending() or self._nap()
            if ending is not None:
                self.ending = ending
                raise Paused

    def _nap(self) -> Ending | None:
        """With somebody at the keyboard time goes as it does outside; else it jumps to the deadline."""
        deadline = self.processor.instructions_to_deadline()
        left = min(NEVER if deadline is None else deadline, self.last - self.instructions)
        if deadline is None and self.last == NEVER and not self.plic.listens():
            return Ending.ASLEEP
        if self.keyboard is not None:
            before = time.monotonic()
            self._listen(min(left / INSTRUCTIONS_PER_SECOND, LONGEST_NAP))
            left = min(left, int((time.monotonic() - before) * INSTRUCTIONS_PER_SECOND) + 1)
        elif deadline is None and self.last == NEVER:
            return Ending.INPUT_OVER if self.input_is_over else Ending.ASLEEP
        self.processor.charge(left)
        return Ending.SECONDS if self._is_over() else None

    def _listen(self, seconds: float) -> None:
        """Take what was typed, waiting for it for so long."""
        if self.keyboard is None:
            return
        if len(self.uart.waiting) >= MOST_WAITING:  # more stays with who types
            time.sleep(seconds)
            return
        if not select.select([self.keyboard], [], [], seconds)[0]:
            return
        typed = self.keyboard.read()
        if typed is None:
            self.keyboard, self.input_is_over = None, True
        else:
            self.uart.receive(typed)

    # Memory -----------------------------------------------------------------------------------------------

    def read_memory(self, physical: int, length: int) -> bytes:
        start = physical - board.MEMORY_BASE
        return self.ram[start : start + length]

    def write_memory(self, physical: int, data: bytes) -> None:
        """Change the machine's memory. Code that has run already is forgotten."""
        self._store(physical, data)
        self.core.code_stale = True

    def _store(self, physical: int, data: bytes) -> None:
        start = physical - board.MEMORY_BASE
        self.ram[start : start + len(data)] = data

    def close(self) -> None:
        """Give the memory back to the host; its addresses stay, for views of it may still be held."""
        metal_memory.buffer = None
        self.ram.madvise(mmap.MADV_DONTNEED)


def kernel_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Where in the kernel's source an exception was raised, innermost last; empty if it was not there."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if Path(frame.filename).is_relative_to(KERNEL_SOURCE)]
