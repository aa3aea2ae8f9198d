"""The end of a time slice: what happens to a thread that used its budget up, or gives the rest away.

An entry of the kernel begins with `check`, unless time brings nothing yet. A thread whose budget cannot pay for the entry is not served:
it waits for its next refill (in the ready queue if that is there already) or raises a timeout fault, and
makes its system call again when it comes back.

Manual: "Scheduling Contexts", "Timeout Exceptions"; the system call Yield.
"""

from __future__ import annotations

from pith.metal import noinline

from . import budget, fault, scheduler
from .objects import Thread, ThreadState
from .state import kernel


@noinline
def check(thread: Thread) -> bool:
    """Whether the current thread's budget pays for what it asks of the kernel now; if not, its slice ends."""
    context = kernel.current_context
    if context is None:
        return True
    if not budget.is_active(context) or not budget.is_sufficient(context, scheduler.used()):
        end(thread, may_time_out=True)
        if scheduler.is_runnable(thread):
            thread.state = ThreadState.RESTART
        return False
    if kernel.now >= kernel.domain_end:
        scheduler.reschedule()
        thread.state = ThreadState.RESTART
        return False
    return True


def give_up(thread: Thread) -> None:
    """The current thread gives away the rest of its slice, which does not count as consumed."""
    context = kernel.current_context
    if context is None or not budget.is_active(context):
        return
    used = scheduler.used()
    consumed = context.consumed + used
    scheduler.charge(context, max(used, budget.first(context).amount))
    end(thread, may_time_out=False)
    context.consumed = consumed


def end(thread: Thread, may_time_out: bool) -> None:
    """Charge the current context; `thread`, if it can run still, goes to the end of its queue or waits."""
    scheduler.commit_time()
    context = kernel.current_context
    if context is None or not budget.is_active(context):
        return
    if budget.is_round_robin(context):
        budget.end_slice(context)
    else:
        kernel.quiet_until = 0  # what comes next may be less than what there was
    if thread.context is not context or not scheduler.is_schedulable(thread):
        return
    if may_time_out and not budget.is_round_robin(context) and fault.has_timeout_handler(thread):
        fault.time_out(thread)
    elif budget.is_released(context):
        if scheduler.is_alone(thread):
            return  # it goes on
        scheduler.enqueue_back(thread)
    else:
        scheduler.postpone(context)
    scheduler.reschedule()
