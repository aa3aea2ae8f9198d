"""What of the processor's state outlives a switch of threads: three threads that each have some of it, on both machines."""

from __future__ import annotations

from pathlib import Path

from pith.machine import Ending
from pith.system.components import build_program
from tests.patience import ENOUGH
from tests.system.conftest import Start

PROGRAM = Path(__file__).parent / "programs" / "processor_state.c"


def test_nothing_in_the_processor_passes_from_thread_to_thread(start: Start) -> None:
    """The program's own checks; QEMU ends a reservation at every trap, the hosted machine only when the kernel does."""
    machine = start(build_program(PROGRAM))
    assert machine.run(seconds=ENOUGH) is Ending.EXIT
    shown = machine.output.replace("\r", "")
    results = dict(
        line.split(": ") for line in shown.splitlines() if line.endswith(" wrong") or "lost" in line
    )
    assert results == {
        "reservation, by Yield": "0 wrong",
        "reservation, by Call": "0 wrong",
        "reservation, by the end of a budget": "0 wrong",
        "increments lost": "0",
        "registers, by Yield": "0 wrong",
        "registers, by the end of a budget": "0 wrong",
        "registers at first use": "0 wrong",
        "registers of one who pauses": "0 wrong",
        "flags without a result": "0 wrong",
        "counters": "0 wrong",
    }
