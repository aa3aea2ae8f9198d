"""The person's side of the console: standard input, as a keyboard of the machine.

On a terminal each key goes to the machine as it is struck, and the machine echoes it or not. Ctrl-A X leaves, as in QEMU;
Ctrl-A twice types a Ctrl-A; Ctrl-C interrupts and Ctrl-Z suspends, as everywhere: the machine stands still until it is
continued. A pipe or file is passed on as it is.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType, TracebackType
from typing import Any, Final, Self

CHUNK: Final = 4096
ESCAPE: Final = 0x01  # Ctrl-A
LEAVE: Final = b"xX"


class Left(Exception):
    """The person at the keyboard has left the machine."""


class Terminal:
    """Standard input and output while a machine runs; in a `with` statement, which gives the terminal back.

    While Python is suspended (Ctrl-Z), it is so inside of `around_suspension()`: where a machine is stopped.
    """

    around_suspension: Callable[[], AbstractContextManager[None]] = nullcontext

    def __init__(self, descriptor: int | None = None) -> None:
        self.descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self.is_terminal = os.isatty(self.descriptor)
        self.escaped = False
        self.is_raw = False
        self.saved = termios.tcgetattr(self.descriptor) if self.is_terminal else None
        self.handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._raw()
        if self.is_terminal:
            for number, handler in ((signal.SIGTSTP, self._suspend), (signal.SIGCONT, self._resume)):
                self.handlers[number] = signal.signal(number, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        self._cooked()

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: give the terminal back, and stop here until the shell continues us."""
        with self.around_suspension():
            was_raw = self.is_raw
            self._cooked()
            os.kill(os.getpid(), signal.SIGSTOP)
            if was_raw:
                self._raw()

    def _resume(self, number: int, frame: FrameType | None) -> None:
        """Continued: whoever had the terminal meanwhile has set it as they like."""
        if self.is_raw:
            self._raw()

    def _raw(self) -> None:
        """Every key at once, without echo; Return as a serial terminal sends it. Ctrl-C stays a signal."""
        if self.is_terminal:
            tty.setcbreak(self.descriptor)
            mode = termios.tcgetattr(self.descriptor)
            mode[0] &= ~termios.ICRNL
            termios.tcsetattr(self.descriptor, termios.TCSANOW, mode)
            self.is_raw = True

    def _cooked(self) -> None:
        if self.saved is not None:
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self.saved)
            self.is_raw = False

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Meanwhile the terminal is as a debugger wants it."""
        self._cooked()
        try:
            yield
        finally:
            self._raw()

    def fileno(self) -> int:
        return self.descriptor

    def read(self) -> bytes | None:
        """What was typed for the machine; None at the end. Raises Left."""
        typed = os.read(self.descriptor, CHUNK)
        if not typed:
            return None
        return self._interpret(typed) if self.is_terminal else typed

    def _interpret(self, typed: bytes) -> bytes:
        passed = bytearray()
        for key in typed:
            if self.escaped and key in LEAVE:
                raise Left
            if key == ESCAPE and not self.escaped:
                self.escaped = True
            else:
                self.escaped = False
                passed.append(key)
        return bytes(passed)


def show(data: bytes) -> None:
    """Print what the machine prints, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
