"""Domains: threads kept apart in time, by a schedule that user level sets.

Manual: "Domains"; interface `seL4_DomainSet`.
"""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.metal import u7

from . import scheduler, thread
from .errors import IllegalOperation, InvalidArgument, RangeError
from .message import Invocation, argument, extra_slot, require
from .objects import ThreadCap
from .state import DOMAIN_SCHEDULE_LENGTH, kernel

LONGEST: Final = (1 << 56) - 1  # ticks in one entry of the schedule
LAST_ENTRY: Final = DOMAIN_SCHEDULE_LENGTH - 2  # that can be set: behind it is an end marker always


def invoke(call: Invocation) -> u7:
    """Set, ScheduleConfigure or ScheduleSetStart."""
    match call.label:
        case Label.DOMAIN_SET:
            _set(call)
        case Label.DOMAIN_SCHEDULE_CONFIGURE:
            _configure(call)
        case Label.DOMAIN_SCHEDULE_SET_START:
            _set_start(call)
        case _:
            raise IllegalOperation()
    return 0


def _set(call: Invocation) -> None:
    """Set(domain, thread)."""
    require(call, words=1, caps=0)
    domain = argument(call, 0)
    if domain >= kernel.domain_count:
        raise InvalidArgument(0)
    cap = extra_slot(call, 0).cap
    if not isinstance(cap, ThreadCap):
        raise InvalidArgument(1)
    thread.set_domain(cap.thread, domain)


def _configure(call: Invocation) -> None:
    """ScheduleConfigure(index, domain, duration): it takes effect when the schedule reaches the entry."""
    require(call, words=3, caps=0)
    index, domain, duration = argument(call, 0), argument(call, 1), argument(call, 2)
    if index > LAST_ENTRY:
        raise RangeError(0, LAST_ENTRY)
    if domain >= kernel.domain_count:
        raise RangeError(0, kernel.domain_count - 1)
    if duration == 0 and domain:
        raise InvalidArgument(1)  # an end marker is of domain 0
    if duration > LONGEST or (duration == 0 and index == kernel.domain_start):
        raise InvalidArgument(2)
    entry = kernel.domain_schedule[index]
    entry.domain = domain
    entry.duration = duration


def _set_start(call: Invocation) -> None:
    """ScheduleSetStart(index): the schedule begins there at once, and from now on."""
    require(call, words=1, caps=0)
    index = argument(call, 0)
    if index > LAST_ENTRY:
        raise RangeError(0, LAST_ENTRY)
    if kernel.domain_schedule[index].duration == 0:
        raise InvalidArgument(0)
    kernel.domain_start = index
    scheduler.begin_domain(index)
