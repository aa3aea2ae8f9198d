"""What a kernel on the metal waits for, while it has no thread to run: read from its memory.

An idle processor looks the same whether a thread sleeps for a second, a driver waits for a key, or the last program has
ended. The kernel's own state tells them apart.
"""

from __future__ import annotations

from typing import Final

from pith.kernel.domain import LONGEST
from pith.kernel.state import IRQ_COUNT, DomainPeriod, KernelState
from pith.metal import size_of

STATE_SYMBOL: Final = "pith.kernel.state.kernel"
STATE_BYTES: Final = size_of(KernelState)
_OFFSETS: Final = {name: field.offset for name, field in KernelState.layout().fields.items()}


def awaited_interrupts(state: bytes) -> list[int] | None:
    """The lines that could wake a kernel whose `KernelState` has these bytes.

    None while a thread runs, and while time alone will bring one: a thread waits for its next refill, or another domain's
    turn will come.
    """

    def word(offset: int, size: int = 8) -> int:
        return int.from_bytes(state[offset : offset + size], "little")

    idles = word(_OFFSETS["current"]) == word(_OFFSETS["idle"]) != 0
    somebody_waits_for_time = word(_OFFSETS["next_release"]) != 0
    turn = _OFFSETS["domain_schedule"] + word(_OFFSETS["domain_index"], 2) * size_of(DomainPeriod)
    another_turn_comes = word(_OFFSETS["domain_count"], 1) > 1 and word(turn) != LONGEST
    if not idles or somebody_waits_for_time or another_turn_comes:
        return None
    active = _OFFSETS["irq_active"]
    return [line for line in range(IRQ_COUNT) if state[active + line]]
