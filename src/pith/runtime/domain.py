"""Domains: groups of threads that run in turns of fixed length, whatever the others do."""

from __future__ import annotations

from pith.abi.labels import Label
from pith.metal import u8, u64

from .capability import CPtr
from .invocation import invoke, pass_cap


def set(control: CPtr, domain: u8, thread: CPtr) -> None:
    """Put a thread into a domain."""
    pass_cap(0, thread)
    invoke(control, Label.DOMAIN_SET, 1, domain, caps=1)


def schedule_configure(control: CPtr, index: u64, domain: u8, duration: u64) -> None:
    """Entry `index` of the schedule: `domain` runs for `duration` ticks of the timer."""
    invoke(control, Label.DOMAIN_SCHEDULE_CONFIGURE, 3, index, domain, duration)


def schedule_set_start(control: CPtr, index: u64) -> None:
    """The entry at which the schedule begins again."""
    invoke(control, Label.DOMAIN_SCHEDULE_SET_START, 1, index)
