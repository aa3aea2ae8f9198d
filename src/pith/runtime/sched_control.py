"""The right to fill scheduling contexts with the time of one processor core."""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.metal import u64

from .capability import CPtr
from .invocation import invoke, pass_cap
from .process import set_word

SPORADIC: Final = 1


def configure(
    control: CPtr, context: CPtr, budget: u64, period: u64, extra_refills: u64, badge: u64, flags: u64
) -> None:
    """`budget` microseconds in every `period`; equal means round robin. `badge` names it in timeout faults."""
    pass_cap(0, context)
    set_word(4, flags)
    invoke(control, Label.SCHED_CONTROL_CONFIGURE_FLAGS, 5, budget, period, extra_refills, badge, caps=1)
