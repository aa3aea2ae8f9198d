"""The emulated processor's reservation: what `lr` leaves behind for `sc`, which Unicorn has no name for.

Unicorn keeps the address of the last `lr` as a word of the processor's state, and no interface writes that word alone. But the whole
state can be taken and put back. Where in it the word stands is found out once: by an `lr` of a known address on a processor of its own.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final
from weakref import finalize

from unicorn import riscv_const as riscv
from unicorn import unicorn_const as unicorn
from unicorn.unicorn_py3 import unicorn as binding
from unicorn.unicorn_py3.unicorn import uclib

NONE: Final = (1 << 64) - 1  # no reservation: `sc` takes no address that is not aligned
LOAD_RESERVED: Final = 0x1005_352F  # lr.d a0, (a0)


class Reservation:
    """The reservation of one emulator, by its handle."""

    def __init__(self, emulator: Any) -> None:
        self.state = allocate(emulator)
        finalize(self, uclib.uc_context_free, self.state)
        self.address = ctypes.c_uint64.from_address(self.state.value + place())

    def end(self, emulator: Any) -> None:
        uclib.uc_context_save(emulator, self.state)
        self.address.value = NONE
        uclib.uc_context_restore(emulator, self.state)


def allocate(emulator: Any) -> Any:
    """Room for the state of a processor."""
    state = ctypes.c_void_p()
    status = uclib.uc_context_alloc(emulator, ctypes.byref(state))
    assert status == unicorn.UC_ERR_OK
    return state


@cache
def place() -> int:
    """Where in a processor's state the reserved address stands, in bytes."""
    page, address = 0x1_0000, 0x1_0730
    emulator = binding.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    emulator.mem_map(page, 0x1000)
    emulator.mem_write(page, LOAD_RESERVED.to_bytes(4, "little"))
    emulator.reg_write(riscv.UC_RISCV_REG_A0, address)
    emulator.emu_start(page, page + 4)  # which loads 0 into a0: the address is left in one place
    state, size = allocate(emulator._uch), uclib.uc_context_size(emulator._uch)
    uclib.uc_context_save(emulator._uch, state)
    taken = ctypes.string_at(state, size)
    uclib.uc_context_free(state)
    found = [at for at in range(0, size - 7, 8) if int.from_bytes(taken[at : at + 8], "little") == address]
    if len(found) != 1:
        raise RuntimeError(
            f"this Unicorn keeps a reservation in {len(found)} places; use the version that Pith names"
        )
    return found[0]
