"""The end of a program that found itself wrong: a value that does not fit, an index outside, a failed assertion.

The compiler calls `pith_panic` with a record of the source line. The program says so and ends in a fault that
its supervisor sees, as for any other wrong step; nobody else is harmed.
"""

from __future__ import annotations

from pith.metal import Array, assembly, export, u8, u64
from pith.metal.panics import PanicSite

from .console import flush, spill, write, write_bytes


@export("pith_panic")
def panic(site: PanicSite, value: u64) -> None:
    """Say what was wrong, and stop."""
    spill()
    write("\npanic at ")
    write_bytes(Array[u8].at(site.file, site.file_length))
    write(f":{site.line}: ")
    write_bytes(Array[u8].at(site.reason, site.reason_length))
    write(f" (value {value:#x})\n")
    flush()
    stop()


@assembly("    unimp\n")
def stop() -> None:
    """An instruction that no processor has: the kernel tells this program's fault handler."""
    raise SystemExit(1)
