"""The scheduler: of the threads that can run, the first of the highest priority does.

A thread can run if its state says so and it has a scheduling context with budget. Such threads stand in the
ready queue of their domain and priority, except for the current one (Benno scheduling: the queues hold
ready threads only, and the fast path touches none). Threads that can run but for their budget wait in the
release queue, ordered by the time of their next refill (release.py).

During a system call nothing is switched. `wake` notes a candidate, `reschedule` that there must be a
choice; `schedule`, at the kernel's exit, decides, and charges the context that stops being used.

What time brings (the end of a budget or of a domain's time, a refill that comes) is looked for only when it
may be there. Until `quiet_until`, which is a little before the timer's deadline, it is not; so most entries
of the kernel read the clock, and that is all. The deadline is put off only when it has come: one that is too
early costs an interrupt, and moving it at every switch would cost more.

Manual: "MCS Scheduling", "Scheduling algorithm", "Domains".
"""

from __future__ import annotations

from typing import Final

from pith.metal import MASK64, inline, noinline, u6, u8, u16, u64
from pith.metal.machine import csr_read

from . import budget, release
from .errors import Preempted
from .objects import SchedContext, Thread, ThreadState
from .queue import insert_after, remove
from .riscv64 import timer
from .riscv64.csr import SUPERVISOR_EXTERNAL, SUPERVISOR_TIMER
from .state import PRIORITIES, ReadyQueues, SchedulerAction, kernel

INTERRUPTS: Final = SUPERVISOR_TIMER | SUPERVISOR_EXTERNAL


# Who can run ------------------------------------------------------------------------------------------------


def is_runnable(thread: Thread) -> bool:
    """Whether the thread has something to execute."""
    return thread.state is ThreadState.RUNNING or thread.state is ThreadState.RESTART


def is_blocked(thread: Thread) -> bool:
    """Whether the thread waits for another one."""
    match thread.state:
        case (
            ThreadState.BLOCKED_ON_RECEIVE
            | ThreadState.BLOCKED_ON_SEND
            | ThreadState.BLOCKED_ON_REPLY
            | ThreadState.BLOCKED_ON_NOTIFICATION
        ):
            return True
        case _:
            return False


def is_schedulable(thread: Thread) -> bool:
    """Whether the thread could be given the processor."""
    context = thread.context
    return (
        is_runnable(thread) and context is not None and budget.is_active(context) and not thread.is_postponed
    )


# The ready queues -------------------------------------------------------------------------------------------


@inline
def _rank(thread: Thread) -> u8:
    """How many priorities are above the thread's."""
    return PRIORITIES - 1 - thread.priority


def _enqueue(thread: Thread, is_first: bool) -> None:
    rank, ready = _rank(thread), kernel.ready[thread.domain]
    queue = ready.queues[PRIORITIES - 1 - rank]
    insert_after(queue, thread, None if is_first else queue.tail)
    thread.is_ready = True
    ready.bitmap[rank // 64] |= 1 << (rank % 64)
    ready.words |= 1 << (rank // 64)
    if thread.domain == kernel.current_domain:
        kernel.best_rank = min(kernel.best_rank, rank)


def enqueue_front(thread: Thread) -> None:
    """Make the thread the first of its priority, if it is in no ready queue yet."""
    if not thread.is_ready:
        _enqueue(thread, is_first=True)


def enqueue_back(thread: Thread) -> None:
    """Make the thread the last of its priority, if it is in no ready queue yet."""
    if not thread.is_ready:
        _enqueue(thread, is_first=False)


def dequeue(thread: Thread) -> None:
    """Take the thread out of the competition: it is no candidate, and in neither ready nor release queue."""
    if thread is kernel.next_thread:
        kernel.next_thread = None
        kernel.scheduler_action = SchedulerAction.CHOOSE
    if thread.is_ready:
        leave_ready(thread)
    if thread.is_postponed:
        release.remove(thread)
        thread.is_postponed = False


def leave_ready(thread: Thread) -> None:
    """Take the thread out of the ready queue that it stands in."""
    rank, domain = _rank(thread), thread.domain
    ready = kernel.ready[domain]
    queue = ready.queues[PRIORITIES - 1 - rank]
    remove(queue, thread)
    thread.is_ready = False
    if queue.head is None:
        ready.bitmap[rank // 64] &= ~(1 << (rank % 64))
        if not ready.bitmap[rank // 64]:
            ready.words &= ~(1 << (rank // 64))
        if domain == kernel.current_domain:
            _find_best(ready)


def highest() -> Thread | None:
    """The first ready thread of the highest priority in the current domain."""
    if kernel.best_rank >= PRIORITIES:
        return None
    return kernel.ready[kernel.current_domain].queues[PRIORITIES - 1 - kernel.best_rank].head


def _find_best(ready: ReadyQueues) -> None:
    """Find the best rank in the current domain, whose queues these are."""
    words = ready.words
    if not words:
        kernel.best_rank = PRIORITIES
        return
    word = 0 if words & 1 else 1 if words & 2 else 2 if words & 4 else 3
    kernel.best_rank = 64 * word + _trailing_zeros(ready.bitmap[word])


def _trailing_zeros(word: u64) -> u6:
    """The position of the lowest bit that is set, of which there is one."""
    return ((word ^ MASK64) & (word - 1 & MASK64)).bit_count()


def is_alone(thread: Thread) -> bool:
    """Whether the current thread, could it run, would have to give way to none of its priority or higher."""
    return (
        kernel.scheduler_action is SchedulerAction.KEEP
        and thread.domain == kernel.current_domain
        and _rank(thread) < kernel.best_rank
    )


@inline
def is_next(thread: Thread) -> bool:
    """Whether the thread, could it run and were it first of its priority, would be the one to run."""
    return thread.domain == kernel.current_domain and _rank(thread) <= kernel.best_rank


# The release queue ------------------------------------------------------------------------------------------


def postpone(context: SchedContext) -> None:
    """Let the context's thread, which can run but for its budget, wait for the next refill."""
    thread = context.thread
    assert thread is not None
    dequeue(thread)
    release.insert(thread, budget.first(context).time)
    thread.is_postponed = True
    kernel.quiet_until = 0


def _release() -> None:
    """Wake all threads whose refill has come; if a device interrupts meanwhile, the others at the next entry.

    Then the deadline that is set is past: the timer interrupts at once, as the device does.
    """
    while (thread := kernel.next_release) is not None and budget.has_come(thread.release_time):
        dequeue(thread)
        wake(thread)
        if csr_read("sip") & SUPERVISOR_EXTERNAL:
            kernel.quiet_until = 0
            return


# What happens during a system call --------------------------------------------------------------------------


def wake(thread: Thread) -> None:
    """Let the thread compete for the processor, now or when its context has budget."""
    context = thread.context
    if context is None or not is_schedulable(thread) or thread.is_ready or thread is kernel.current:
        return
    if not budget.is_released(context):
        postpone(context)
    elif thread.domain != kernel.current_domain:
        enqueue_front(thread)
    elif kernel.scheduler_action is SchedulerAction.KEEP:
        kernel.scheduler_action = SchedulerAction.SWITCH
        kernel.next_thread = thread
    else:
        reschedule()
        enqueue_front(thread)


def reschedule() -> None:
    """Let the next `schedule` choose among all threads."""
    candidate = kernel.next_thread
    kernel.next_thread = None
    kernel.scheduler_action = SchedulerAction.CHOOSE
    if candidate is not None:
        enqueue_front(candidate)


@inline
def preemption_point() -> None:
    """A consistent point of a long operation, with progress behind it. Raises Preempted if an interrupt waits."""
    if is_interrupted():
        raise Preempted()


@inline
def is_interrupted() -> bool:
    """Whether an interrupt waits: two instructions and a branch, so that long operations ask after every step.

    The end of the budget is an interrupt too: the deadline is never later.
    """
    return csr_read("sip") & INTERRUPTS != 0


@inline
def disown_cancellation(thread: Thread) -> None:
    """The thread may do something else than make again the system call that was interrupted; see endpoint.py."""
    if thread is kernel.cancel_owner:
        kernel.cancel_owner = None


# Time -------------------------------------------------------------------------------------------------------


def update_time() -> None:
    """Read the clock."""
    kernel.now = timer.read()


@inline
def is_quiet() -> bool:
    """Whether nothing that time brings is due: budget and domain have time left, and no refill comes."""
    return kernel.now < kernel.quiet_until


def used() -> u64:
    """Ticks that the current context was used for and not charged with yet."""
    return kernel.now - kernel.used_since


def commit_time() -> None:
    """Charge the current context for what it used so far."""
    context = kernel.current_context
    if context is not None:
        charge(context, used())


def charge(context: SchedContext, usage: u64) -> None:
    """Charge the current context for `usage`, which is all of its use until now."""
    kernel.used_since = kernel.now
    if usage > 0:
        budget.charge(context, usage)


def begin_domain(index: u16) -> None:
    """Go on at entry `index` of the domain schedule."""
    entry = kernel.domain_schedule[index]
    kernel.domain_index = index
    if kernel.domain_count == 1:
        kernel.domain_end = budget.END_OF_TIME  # there is nobody to keep apart, whatever the schedule says
    else:  # in less than the smallest budget no thread would get from one entry of the kernel to the next
        kernel.domain_end = min(kernel.now + max(entry.duration, budget.smallest()), budget.END_OF_TIME)
    kernel.current_domain = entry.domain
    _find_best(kernel.ready[entry.domain])
    kernel.quiet_until = 0
    reschedule()


def _next_domain() -> None:
    following = kernel.domain_index + 1
    if not kernel.domain_schedule[following].duration:  # an end marker, which the last entry always is
        following = kernel.domain_start
    begin_domain(following)


# The kernel's exit ------------------------------------------------------------------------------------------


@inline
def goes_on(thread: Thread) -> bool:
    """Whether `schedule` would change nothing for the current thread; if not so, it is to be asked."""
    return (
        thread.state is ThreadState.RUNNING
        and kernel.scheduler_action is SchedulerAction.KEEP
        and is_quiet()
        and thread.context is not None
        and thread.context is kernel.current_context
    )


def schedule() -> None:
    """Decide who is current from now on, and on whose time."""
    _release()
    if kernel.now >= kernel.domain_end:
        _next_domain()
    current = kernel.current
    if current is None or kernel.scheduler_action is not SchedulerAction.KEEP or not is_schedulable(current):
        kernel.current = _choose(current)
    _switch_context()
    if not is_quiet():
        _set_deadline()


def _choose(current: Thread | None) -> Thread:
    """The thread to run; `current`, if it still can, is queued as if it had not been taken out."""
    goes_on = current is not None and is_schedulable(current)
    if current is not None and goes_on:
        enqueue_front(current)
    candidate = kernel.next_thread
    kernel.next_thread = None
    kernel.scheduler_action = SchedulerAction.KEEP
    if candidate is not None:
        wins = current is None or not goes_on or candidate.priority > current.priority
        if wins and is_next(candidate):
            return candidate
        if current is not None and goes_on:
            enqueue_behind(candidate, current)
        else:
            enqueue_front(candidate)
    chosen = highest()
    if chosen is None:
        assert kernel.idle is not None
        return kernel.idle
    leave_ready(chosen)
    return chosen


def _switch_context() -> None:
    """Charge the context that was used until now, and start the use of the current thread's."""
    assert kernel.current is not None
    context = kernel.current.context
    if context is kernel.current_context:
        return
    commit_time()
    kernel.used_since = kernel.now
    kernel.current_context = context
    if context is not None:
        if not context.sporadic:
            budget.unblock(context)
        _hasten(kernel.used_since + budget.first(context).amount)


@noinline
def could_switch_context(context: SchedContext, wakes: bool) -> bool:
    """Switch from the current context to that of a thread which runs next, if time brings nothing else to do.

    What was set as the deadline is early enough for all but the end of the new budget. `wakes`: the thread
    was blocked until now.
    """
    update_time()
    if not is_quiet() or not budget.is_released(context):
        return False
    commit_time()
    kernel.current_context = context
    if wakes or not context.sporadic:
        budget.unblock(context)
    _hasten(kernel.used_since + budget.first(context).amount)
    return True


def could_wake(thread: Thread, context: SchedContext, current: Thread) -> bool:
    """Whether a thread that was blocked can become ready while `current` goes on, time bringing nothing else to do.

    If so, its burst has begun; `enqueue_behind` is to follow.
    """
    update_time()
    if not is_quiet() or not budget.is_released(context):
        return False
    if thread.domain != kernel.current_domain or not is_next(current):
        return False
    budget.wake_sporadic(context)
    return True


def enqueue_behind(thread: Thread, current: Thread) -> None:
    """Make a thread ready that does not run yet though it was just woken: behind `current`, if they are equals."""
    if thread.priority == current.priority:
        enqueue_back(thread)
    else:
        enqueue_front(thread)


def _set_deadline() -> None:
    """Interrupt when the current budget ends, the domain's time does, or the next thread is released."""
    deadline = kernel.domain_end
    context = kernel.current_context
    if context is not None:
        deadline = min(deadline, kernel.used_since + budget.first(context).amount)
    waiting = kernel.next_release
    if waiting is not None:
        deadline = min(deadline, waiting.release_time)
    kernel.quiet_until = budget.END_OF_TIME  # the deadline that was set has come, or is too late
    _hasten(deadline)


def _hasten(deadline: u64) -> None:
    """Set the deadline, unless one is set that comes before."""
    quiet_until = max(deadline - budget.smallest(), 0)
    if quiet_until < kernel.quiet_until:
        kernel.quiet_until = quiet_until
        timer.set_deadline(deadline)
