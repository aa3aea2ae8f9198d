"""QEMU's monitor: stop, go on, show memory. A plain interface over the asynchronous `qemu.qmp`."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Final

from qemu.qmp import QMPClient, QMPError

CONNECT_SECONDS: Final = 20
RETRY_SECONDS: Final = 0.01

logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)  # it reports what we handle


class Monitor:
    """A connection to the monitor of a QEMU that listens, or soon will, at a socket."""

    def __init__(self, socket: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = QMPClient("pith")
        self.socket = socket

    def connect(self, is_alive: Any) -> bool:
        """Connect as soon as QEMU listens; False if `is_alive()` says first that it never will."""
        give_up = time.monotonic() + CONNECT_SECONDS
        while is_alive() and time.monotonic() < give_up:
            if self.socket.exists():
                try:
                    self.loop.run_until_complete(self.client.connect(str(self.socket)))
                    return True
                except (QMPError, OSError):
                    self.client = QMPClient("pith")
            time.sleep(RETRY_SECONDS)
        return False

    def execute(self, command: str, **arguments: object) -> bool:
        """Execute a command; False when QEMU has gone."""
        return self.ask(command, **arguments) is not None

    def ask(self, command: str, **arguments: object) -> object | None:
        """What a command answers; None when QEMU has gone."""
        try:
            return self.loop.run_until_complete(self.client.execute(command, arguments or None))
        except (QMPError, OSError, EOFError):
            return None

    def close(self) -> None:
        """Hang up; QEMU may be gone already."""
        try:
            self.loop.run_until_complete(asyncio.wait_for(self.client.disconnect(), 5))
        except (QMPError, OSError, EOFError, TimeoutError):
            pass
        self.loop.close()
