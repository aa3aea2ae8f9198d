"""The end of a kernel that found itself wrong: it says where, and ends the machine with a status.

The compiler calls `pith_panic` where a value does not fit, an index is outside, an assertion fails. That must not happen; when it
does, nothing that the kernel knows can be trusted any more, so it only prints, through the firmware. Under CPython
the same checks raise Python's own exceptions, and none of this runs.
"""

from __future__ import annotations

from typing import Final

from pith.metal import export, u64
from pith.metal.machine import device_store32, load_u8, sbi_call
from pith.metal.panics import PanicSite

from .debug import put, put_character
from .riscv64.device_tree import board
from .riscv64.window import window_of

SBI_RESET: Final = 0x53525354
SYSTEM_FAILURE: Final = 1
TEST_FAILED: Final = 1 << 16 | 0x3333  # SiFive's test device: fail, with status 1


@export("pith_panic")
def panic(site: PanicSite, value: u64) -> None:
    """Say what was wrong at which line, and end the machine."""
    put("\nkernel panic at ")
    _put_text(site.file, site.file_length)
    put(f":{site.line}: ")
    _put_text(site.reason, site.reason_length)
    put(f" (value {value:#x})\n")
    end_machine()


def end_machine() -> None:
    """Power off; the status of a failure can be told only through the board's test device."""
    if board.test_device:
        device_store32(window_of(board.test_device), TEST_FAILED)
    while True:
        sbi_call(SBI_RESET, 0, 0, SYSTEM_FAILURE, 0)


def _put_text(address: u64, length: u64) -> None:
    for offset in range(length):
        put_character(load_u8(address + offset))
