"""The console: all that the machine has printed, what is being waited for in it, and where input comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class InputSource(Protocol):
    """A person, or a pipe, that types while the machine runs."""

    def fileno(self) -> int: ...
    def read(self) -> bytes | None:
        """What was typed for the machine, perhaps nothing; None at the end of the input."""
        ...


class Console:
    """The machine's output. `echo` gets each piece as it comes.

    Text is waited for from where the last wait found its text, so that the same prompt can be waited for again.
    """

    def __init__(self, echo: Callable[[bytes], None] | None = None) -> None:
        self.echo = echo
        self.transcript = bytearray()
        self.position = 0  # behind the last text that was found
        self.awaited: bytes | None = None
        self.found = False

    @property
    def text(self) -> str:
        return self.transcript.decode(errors="replace")

    def expect(self, text: str | None) -> None:
        """Wait for `text` from now on; it may have come already."""
        self.awaited = None if text is None else text.encode()
        self.found = False
        self._search(self.position)

    def write(self, data: bytes, *, silent: bool = False) -> None:
        """Add what was printed. `silent`: nobody is shown it, for now."""
        before = len(self.transcript)
        self.transcript += data
        if self.echo is not None and data and not silent:
            self.echo(data)
        if self.awaited is not None and not self.found:
            self._search(max(self.position, before - len(self.awaited) + 1))

    def _search(self, start: int) -> None:
        if self.awaited is None:
            return
        at = self.transcript.find(self.awaited, start)
        if at >= 0:
            self.found, self.position = True, at + len(self.awaited)
