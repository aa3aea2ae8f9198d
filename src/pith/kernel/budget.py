"""Budgets: a scheduling context's time as a ring of refills, each an amount that may be used from a time on.

A context may use `budget` ticks in every window of `period` ticks. What a thread uses is taken from the
first refill and comes back, one period after the time from which it might be used, as a refill at the end:
a sporadic server (Sprunt, Sha and Lehoczky 1989; with the corrections of Stanovich, Baker, Wang and
González Harbour 2010). A round-robin context (period 0) has two refills that are always ready: what is left
of this time slice, and what of it is used already.

Invariants of an active context: 1 to `refill_max` refills, whose amounts add up to `budget`; the first holds at
least the smallest budget, so that a thread is never resumed for less time than the kernel needs to take it off
again. With a period, they are sorted by time, each ending before the next begins (time + amount); those of a
round-robin context are no times to wait for.

All that is done here may go through the whole ring, so a ring has at most MOST_REFILLS, whatever room its object has: more
refills than that are merged, which delays time but never adds any.

Manual: "Scheduling Contexts", "Scheduling Context Creation"; Lyons et al., "Scheduling-context
capabilities" (EuroSys 2018).
"""

from __future__ import annotations

from typing import Final

from pith.abi.objects import REFILL_BYTES, SCHED_CONTEXT_CORE_BYTES
from pith.metal import MASK32, size_of, u6, u32, u64

from .objects import MIN_REFILLS, Refill, SchedContext
from .riscv64 import timer
from .state import kernel

MAX_PERIOD_TICKS: Final = 1 << 61
END_OF_TIME: Final = (
    1 << 62
)  # 14 years at 10 GHz. No refill is later, so that sums of times and periods fit 64 bits
MOST_REFILLS: Final = 32
REFILLS_OFFSET: Final = size_of(SchedContext)


# The ring ---------------------------------------------------------------------------------------------------


def refill(context: SchedContext, position: u32) -> Refill:
    """The refill at `position`, counted from the first."""
    index: u64 = context.refill_head + position
    if index >= context.refill_max:
        index -= context.refill_max
    return Refill.at(context.address + (REFILLS_OFFSET + index * REFILL_BYTES))


def first(context: SchedContext) -> Refill:
    """The refill that is being used, or waited for."""
    return Refill.at(context.address + (REFILLS_OFFSET + context.refill_head * REFILL_BYTES))


def last(context: SchedContext) -> Refill:
    """The refill that is furthest in the future."""
    return refill(context, context.refill_count - 1)


def most_refills(size_bits: u6) -> u32:
    """How many refills a context of 2**size_bits bytes has room for; no more than MOST_REFILLS are used."""
    return ((1 << size_bits) - SCHED_CONTEXT_CORE_BYTES) // REFILL_BYTES + MIN_REFILLS


def _append(context: SchedContext, time: u64, amount: u64) -> None:
    """Schedule `amount` for `time`, which is no earlier than the last refill."""
    time = min(time, END_OF_TIME)
    if context.refill_count > 0:
        end = last(context)
        if end.time + end.amount >= time:  # they touch
            end.amount += amount
            return
        if (
            context.refill_count == context.refill_max
        ):  # no room: the last waits, to end where the new one starts
            end.time = time - end.amount
            end.amount += amount
            return
    context.refill_count += 1
    new = last(context)
    new.time = time
    new.amount = amount


def _drop_first(context: SchedContext) -> None:
    context.refill_head = (context.refill_head + 1) % context.refill_max
    context.refill_count -= 1


# What a context has -----------------------------------------------------------------------------------------


def is_active(context: SchedContext) -> bool:
    """Whether the context was ever configured: an empty one represents no time."""
    return context.refill_max > 0


def is_round_robin(context: SchedContext) -> bool:
    """Whether the context is a time slice only, with no bound on its share."""
    return context.period == 0


def is_ready(context: SchedContext) -> bool:
    """Whether the first refill may be used by now."""
    return has_come(first(context).time)


def has_come(time: u64) -> bool:
    """Whether a refill that may be used from `time` on may be used by now."""
    return time <= kernel.now + kernel.margin


def is_sufficient(context: SchedContext, usage: u64) -> bool:
    """Whether the first refill, less `usage`, is still worth resuming a thread for."""
    return first(context).amount >= usage + smallest()


def is_released(context: SchedContext) -> bool:
    """Whether a thread could run on this context now."""
    return is_active(context) and is_ready(context) and is_sufficient(context, 0)


def smallest() -> u64:
    """The smallest budget: time to enter the kernel, and to leave it. At least 2 ticks."""
    return 2 * kernel.margin


def shortest() -> u64:
    """The smallest budget that can be asked for, in microseconds: 20, unless the clock is too coarse for that."""
    return timer.to_microseconds_up(smallest())


def longest() -> u64:
    """The longest period that can be asked for, in microseconds."""
    return timer.to_microseconds(MAX_PERIOD_TICKS)


# Configuring ------------------------------------------------------------------------------------------------


def renew(context: SchedContext, budget: u64, period: u64, refill_max: u32) -> None:
    """Give the context a whole budget from now on. A period equal to the budget means round robin."""
    context.budget = budget
    context.period = 0 if period == budget else period
    context.refill_max = refill_max
    context.refill_head = 0
    context.refill_count = 1
    only = first(context)
    only.time = kernel.now
    only.amount = budget
    _complete_ring(context)


def update(context: SchedContext, budget: u64, period: u64, refill_max: u32) -> None:
    """Change the parameters of a context in use: what was used counts, the rest comes one period later."""
    time, amount = first(context).time, first(context).amount
    context.budget = budget
    context.period = 0 if period == budget else period
    context.refill_max = refill_max
    context.refill_head = 0
    context.refill_count = 1
    only = first(context)
    only.time = kernel.now if time <= kernel.now + kernel.margin else time
    only.amount = min(amount, budget)
    if amount < budget and not is_round_robin(context):
        _append(context, only.time + context.period, budget - amount)
    _complete_ring(context)


def _complete_ring(context: SchedContext) -> None:
    """Round robin has its second refill always: the part of the time slice that is used."""
    if is_round_robin(context):
        context.refill_count = 2
        rest, used = first(context), last(context)
        used.time = rest.time
        used.amount = context.budget - rest.amount


# Using ------------------------------------------------------------------------------------------------------


def charge(context: SchedContext, usage: u64) -> None:
    """Take `usage` off the context's budget; it comes back when the rules say."""
    context.consumed = min(context.consumed + usage, END_OF_TIME)
    if is_round_robin(context):
        left, gone = first(context), refill(context, 1)
        used = min(usage, left.amount)
        rest = left.amount - used
        left.amount = rest
        gone.amount += used
        if rest < smallest():
            end_slice(context)
    else:
        _charge_sporadic(context, usage)


def _charge_sporadic(context: SchedContext, usage: u64) -> None:
    if usage > context.budget:
        usage = _skip_rounds(context, usage)
    while (amount := first(context).amount) <= usage and (time := first(context).time) < END_OF_TIME:
        usage -= amount  # used up: the whole refill comes back one period later
        _drop_first(context)
        _append(context, time + context.period, amount)
    if usage > 0 and first(context).time > kernel.now:
        _pay_back(context, usage)
    elif 0 < usage < first(context).amount:
        current = first(context)
        comes_back = current.time + context.period
        current.time = min(current.time + usage, END_OF_TIME)
        current.amount -= usage
        _append(context, comes_back, usage)
    while not is_sufficient(context, 0) and context.refill_count > 1:
        rest = first(context).amount  # too little to be of use: let it wait, to end where the next one starts
        _drop_first(context)
        first(context).time -= rest
        first(context).amount += rest


def _skip_rounds(context: SchedContext, usage: u64) -> u64:
    """Go through the ring as often as `usage` covers the budget; what is left of it then.

    Only a clock that jumps makes more of them than one. All comes back as one refill, when the last would have.
    """
    rounds, rest = usage // max(context.budget, 1), usage % max(context.budget, 1)
    time = min(last(context).time + rounds * context.period, END_OF_TIME)
    context.refill_count = 1
    only = first(context)
    only.time = time
    only.amount = context.budget
    return rest


def _pay_back(context: SchedContext, overrun: u64) -> None:
    """Delay the next refill for as long as it takes to earn `overrun`, which was used before its time.

    That is overrun * period // budget, in words: exact for budgets of up to 2**32 ticks, else to 2**-29 of the budget.
    The refill stays whole: a part of it that comes earlier or later would be a budget of its own.
    """
    overrun = min(overrun, context.budget)  # it is less, unless time has ended
    whole, rest = context.period // context.budget, context.period % context.budget
    scale: u6 = 0 if context.budget <= MASK32 else context.budget.bit_length() - 32
    used: u32 = overrun >> scale
    ratio: u32 = rest >> scale
    delay = overrun * whole + (used * ratio // (context.budget >> scale) << scale)
    first(context).time = min(first(context).time + delay, END_OF_TIME)
    while context.refill_count > 1 and first(context).time + first(context).amount > refill(context, 1).time:
        time, amount = first(context).time, first(context).amount
        _drop_first(context)
        first(context).time = time
        first(context).amount += amount


def end_slice(context: SchedContext) -> None:
    """Begin a new time slice of a round-robin context, whatever is left of this one."""
    left, gone = first(context), last(context)
    left.amount += gone.amount
    gone.amount = 0


def unblock(context: SchedContext) -> None:
    """Start a new burst of use now: time that was not used in the past is not kept for later."""
    if is_round_robin(context) or not is_ready(context):
        return
    first(context).time = kernel.now
    while context.refill_count > 1 and refill(context, 1).time <= kernel.now + first(context).amount:
        amount = first(context).amount
        _drop_first(context)
        first(context).time = kernel.now
        first(context).amount += amount


def wake_sporadic(context: SchedContext | None) -> None:
    """The thread on `context` stops being blocked: a sporadic context starts its burst.

    One of constant bandwidth starts it when it gets the processor; see scheduler.py.
    """
    if context is None or context is kernel.current_context:
        return
    if context.sporadic and is_active(context):
        unblock(context)


def take_consumed(context: SchedContext) -> u64:
    """Microseconds used since this was last asked, or since the last timeout fault."""
    consumed = timer.to_microseconds(context.consumed)
    context.consumed = 0
    return consumed
