"""Builds of the kernel that are driven in lockstep: what its constants are, and on what board it finds itself.

The kernel's constants are names in its modules, for CPython and for the compiler alike, so only one build can be
there at a time: while it is `installed`. All have a small world and few domains.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from pith.kernel import benchmark, boot, debug
from pith.kernel.riscv64 import window
from pith.verify import extent, naming

RAM: Final = 0x8020_0000
BOOT_OBJECTS: Final = 0xA000  # what they take at the top, where they would break a large piece
LOW_WINDOW: Final = 0x10_0000_0000  # where a process may map memory at the very address
KNOWS_THE_WINDOW: Final = (window, naming, extent)
Constants = tuple[tuple[ModuleType, str, Any], ...]

SMALL: Final[Constants] = (
    (boot, "ROOT_CNODE_BITS", 8),
    (boot, "DOMAIN_COUNT", 3),
)


@dataclass(frozen=True)
class Build:
    """A kernel's constants beside `SMALL`, and its memory."""

    name: str
    constants: Constants
    window: int = LOW_WINDOW
    ram_bytes: int = (1 << 19) + BOOT_OBJECTS
    has_sstc: bool = False  # the supervisor sets its own timer

    @property
    def base(self) -> int:
        """The address of the first byte of memory, as the kernel sees it."""
        return self.window + RAM

    @property
    def ram_end(self) -> int:
        return RAM + self.ram_bytes

    def settings(self) -> Iterator[tuple[ModuleType, str, Any]]:
        """All constants that are this build's."""
        yield from SMALL
        yield from self.constants
        for module in KNOWS_THE_WINDOW:
            yield module, "WINDOW_BASE", self.window


def _printing(enabled: bool, level: int = debug.ONCE) -> Constants:
    return ((debug, "DEBUG", enabled), (debug, "LEVEL", level))


RELEASE: Final = Build("release", _printing(False))
REAL_WINDOW: Final = Build("release, the window where it really is", RELEASE.constants, window.WINDOW_BASE)
DEBUG: Final = Build("debug", _printing(True), has_sstc=True)
ENTRIES: Final = Build(
    "benchmark of entries",
    (*_printing(False), (benchmark, "MODE", benchmark.ENTRIES)),
    window=0x20_0000_0000,
    ram_bytes=(6 << 20) + BOOT_OBJECTS,  # for a log that takes a large page
)
UTILISATION: Final = Build(
    "benchmark of utilisation, debug, all complaints",
    (*_printing(True, debug.ALL), (benchmark, "MODE", benchmark.UTILISATION)),
)
BUILDS: Final = (RELEASE, REAL_WINDOW, DEBUG, ENTRIES, UTILISATION)


@contextmanager
def installed(build: Build) -> Iterator[None]:
    """A time in which the kernel is this build."""
    settings = list(build.settings())
    before = [(module, name, vars(module)[name]) for module, name, _ in settings]
    for module, name, value in settings:
        vars(module)[name] = value
    try:
        yield
    finally:
        for module, name, value in before:
            vars(module)[name] = value
