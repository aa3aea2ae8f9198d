"""What every machine can do: start a boot image, run, talk on the console, end with a status, show its memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from traceback import FrameSummary
from types import TracebackType
from typing import Final, NamedTuple, Self

from .console import Console, InputSource
from .image import BootImage

DEFAULT_MEMORY: Final = 3 << 30  # what seL4's own `qemu-riscv-virt` has


class Ending(Enum):
    """Why a run ended."""

    TEXT = "the text came"
    EXIT = "the machine ended"
    INSTRUCTIONS = "so many instructions were executed"
    SECONDS = "so many seconds went by"
    ASLEEP = "the machine sleeps, and nothing will wake it"
    INPUT_OVER = "the machine waits for input, and there will be no more"
    STOPPED = "it was stopped"
    KILLED = "the machine was ended from outside"  # `Machine.killed_by` says how


class Registers(NamedTuple):
    """What the processor holds: the address of the next instruction, x0 to x31, and where the last trap came from (sepc)."""

    pc: int
    general: tuple[int, ...]
    trapped_pc: int


class DidNotAppear(AssertionError):
    """A text that was waited for did not come; the message shows the console's last lines."""


class Machine(ABC):
    """A machine with a boot image in its memory; it executes nothing before the first `run`.

    Use it in a `with` statement: whatever happens, nothing of it is left.
    """

    name: str

    def __init__(
        self,
        image: BootImage,
        *,
        memory: int = DEFAULT_MEMORY,
        echo: Callable[[bytes], None] | None = None,
        keyboard: InputSource | None = None,
    ) -> None:
        image.check_fits(memory)
        self.image = image
        self.memory_size = memory
        self.console = Console(echo)
        self.keyboard = keyboard
        self.input_is_over = False
        self.exit_status: int | None = None
        self.stopped = False
        self.killed_by = ""  # in words; only a machine that is another process can be
        self.stopped_in: list[
            FrameSummary
        ] = []  # a kernel that is Python, and was stopped in the middle; innermost last

    @property
    def kernel_state(self) -> int:
        """The physical address of the `KernelState` of Pith's kernel; 0 where another kernel runs."""
        return self.image.table.kernel_state

    @abstractmethod
    def run(
        self, until: str | None = None, *, instructions: int | None = None, seconds: float | None = None
    ) -> Ending:
        """Run until the text appears on the console, the machine ends, or the given bound is reached."""

    @abstractmethod
    def send(self, text: str) -> None:
        """Type on the console."""

    @abstractmethod
    def read_memory(self, physical: int, length: int) -> bytes:
        """The bytes at a physical address."""

    @abstractmethod
    def registers(self) -> Registers | None:
        """The processor's, while the machine stands still; None while a kernel works that is Python, or when it has ended."""

    @abstractmethod
    def close(self) -> None:
        """End the machine, and everything that it needed."""

    def stop(self) -> None:
        """End the current run, or the next one, as soon as may be; `run` can go on from there."""
        self.stopped = True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let no time go by meanwhile. A machine that runs only while `run` does needs nothing for that."""
        yield

    @property
    def output(self) -> str:
        """All that the console has shown."""
        return self.console.text

    def wait_for(self, text: str, *, seconds: float = 240) -> str:
        """Run until `text` appears; return what came from the last such text to this one, both ends included.

        Raises DidNotAppear if the machine ends, sleeps for ever, or takes longer.
        """
        before = self.console.position
        ending = self.run(until=text, seconds=seconds)
        if ending is not Ending.TEXT:
            last_lines = "\n".join(self.output.splitlines()[-20:])
            raise DidNotAppear(f"`{text}` did not appear: {ending.value}. The console's end:\n{last_lines}")
        return self.console.transcript[before : self.console.position].decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
