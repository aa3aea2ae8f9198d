"""Invocations of scheduling context and scheduling control capabilities.

Manual: API reference, "seL4_SchedContext" and "seL4_SchedControl"; "Scheduling Context Creation".
"""

from __future__ import annotations

from typing import Final

from pith.abi.labels import Label
from pith.metal import MASK32, cold, inline, u7, u32, u64

from . import binding, budget, reply, scheduler
from .errors import IllegalOperation, InvalidCapability, RangeError
from .message import Invocation, argument, current, extra_slot, put_result, require
from .objects import MIN_REFILLS, NotificationCap, SchedContext, SchedContextCap, SchedControlCap, ThreadCap
from .riscv64 import timer
from .state import kernel

SPORADIC: Final = 1  # flag of ConfigureFlags
COMMON_LOW: Final = (
    300  # microseconds that are possible at every frequency that the timer knows; up to an hour
)
COMMON_HIGH: Final = MASK32


def invoke_control(cap: SchedControlCap, call: Invocation) -> u7:
    """Do what `call` asks of the processor's time; how many result words it put."""
    if call.label != Label.SCHED_CONTROL_CONFIGURE_FLAGS:
        raise IllegalOperation()
    require(call, 5, 1)
    amount, period, extra_refills = argument(call, 0), argument(call, 1), argument(call, 2)
    _ensure_possible(amount)
    _ensure_possible(period)
    if amount > period:
        raise RangeError(budget.shortest(), period)
    target = extra_slot(call, 0).cap
    if not isinstance(target, SchedContextCap):
        raise InvalidCapability(1)
    most_extra = budget.most_refills(target.size_bits) - MIN_REFILLS
    if extra_refills > most_extra:
        raise RangeError(0, most_extra)
    context = target.context
    context.core = cap.core
    context.badge = argument(call, 3)
    context.sporadic = argument(call, 4) & SPORADIC != 0
    ticks = timer.to_ticks(amount)
    if amount == period:
        configure(context, ticks, ticks, MIN_REFILLS)
    else:  # rounded apart: they stay different, and the share is no larger than what was asked for
        refills = min(MIN_REFILLS + extra_refills, budget.MOST_REFILLS)
        configure(context, ticks, timer.to_ticks_up(period), refills)
    return 0


@inline
def _ensure_possible(microseconds: u64) -> None:
    """Raise RangeError unless a budget or period may be so long."""
    if not COMMON_LOW <= microseconds <= COMMON_HIGH:
        _ensure_in_range(microseconds)


@cold
def _ensure_in_range(microseconds: u64) -> None:
    if not budget.shortest() <= microseconds <= budget.longest():
        raise RangeError(budget.shortest(), budget.longest())


def configure(context: SchedContext, amount: u64, period: u64, refill_max: u32) -> None:
    """Give the context `amount` in every `period`, both in ticks, from now on."""
    thread = context.thread
    if context is kernel.current_context:
        scheduler.commit_time()
        kernel.quiet_until = 0
    if thread is not None:
        scheduler.dequeue(thread)
    if budget.is_active(context) and thread is not None and scheduler.is_runnable(thread):
        budget.update(context, amount, period, refill_max)
    else:
        budget.renew(context, amount, period, refill_max)
    if thread is not None:
        scheduler.wake(thread)


def invoke_context(cap: SchedContextCap, call: Invocation) -> u7:
    """Do what `call` asks of the scheduling context; how many result words it put."""
    context = cap.context
    match call.label:
        case Label.SCHED_CONTEXT_BIND:
            _bind(context, call)
        case Label.SCHED_CONTEXT_UNBIND:
            if context.thread is current():
                raise IllegalOperation()
            binding.unbind_all(context)
        case Label.SCHED_CONTEXT_UNBIND_OBJECT:
            _unbind_object(context, call)
        case Label.SCHED_CONTEXT_CONSUMED:
            put_result(0, budget.take_consumed(context))
            return 1
        case Label.SCHED_CONTEXT_YIELD_TO:
            return _yield_to(context)
        case _:
            raise IllegalOperation()
    return 0


def _bind(context: SchedContext, call: Invocation) -> None:
    require(call, 0, 1)
    match extra_slot(call, 0).cap:
        case ThreadCap(thread=thread):
            binding.ensure_bindable(context, thread)
            binding.bind(context, thread)
        case NotificationCap(notification=notification):
            if context.notification is not None or notification.context is not None:
                raise IllegalOperation()
            binding.bind_notification(context, notification)
        case _:
            raise InvalidCapability(1)


def _unbind_object(context: SchedContext, call: Invocation) -> None:
    require(call, 0, 1)
    match extra_slot(call, 0).cap:
        case ThreadCap(thread=thread):
            if context.thread is not thread or thread is current():
                raise IllegalOperation()
            reply.recall(context)
        case NotificationCap(notification=notification):
            if context.notification is not notification:
                raise IllegalOperation()
            binding.unbind_notification(context)
        case _:
            raise InvalidCapability(1)


def _yield_to(context: SchedContext) -> u7:
    """Put the context's thread first in its queue; if it can preempt the caller, the answer waits."""
    thread, caller = context.thread, current()
    if thread is None or thread is caller or thread.priority > caller.max_priority:
        raise IllegalOperation()
    binding.finish_yield(context)
    if scheduler.is_schedulable(thread):
        scheduler.dequeue(thread)
        scheduler.enqueue_front(caller)  # and then the thread, so that it comes first of equals
        scheduler.enqueue_front(thread)
        scheduler.reschedule()
        if thread.priority >= caller.priority and kernel.wants_answer:
            context.yielding_from = caller
            caller.yielding_to = context
    if caller.yielding_to is None:
        put_result(0, budget.take_consumed(context))
    return 1
