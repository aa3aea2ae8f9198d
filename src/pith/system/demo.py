"""Building the demonstration: six components, packed into the image of the initial thread that starts them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pith
from pith.metal.compiler import cache

from .archive import pack, section, stripped
from .components import build_program, build_python

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
    packed = pack({name: stripped(build_program(path).read_bytes()) for name, path in COMPONENTS.items()})
    key = "archive." + hashlib.sha256(packed).hexdigest()[:32]
    directory, _ = cache.kept(key, lambda fresh: _write(fresh / "archive", packed))
    return build_python(INITIAL, section(directory / "archive"))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
