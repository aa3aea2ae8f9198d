"""Building the demonstration: six components, packed into the image of the initial thread that starts them."""

from __future__ import annotations

from pathlib import Path

import pith

from .components import build_system

SERVICES = Path(pith.__file__).parent / "services"
INITIAL = SERVICES / "demo" / "initial.py"
COMPONENTS = {
    "uart": SERVICES / "uart.py",
    "pager": SERVICES / "pager.py",
    "explorer": SERVICES / "demo" / "explorer.py",
    "server": SERVICES / "demo" / "server.py",
    "client": SERVICES / "demo" / "client.py",
    "faulty": SERVICES / "demo" / "faulty.c",
}


def build_demo() -> Path:
    """The demonstration's initial thread: an ELF that any seL4-compatible kernel can start."""
    return build_system(INITIAL, COMPONENTS)
