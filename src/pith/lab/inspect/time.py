"""Time: scheduling contexts with their refills, and the queues of the scheduler. Times in microseconds from now."""

from __future__ import annotations

from pith.kernel import budget, state
from pith.kernel.objects import SchedContext, ThreadQueue
from pith.verify.census import Census, non_empty_queues, queue_index
from pith.verify.contexts import refills_of
from pith.verify.naming import place
from pith.verify.queues import members
from pith.verify.release import postponed

from .report import Report, Table, readable
from .threads import short_name

COLUMNS = ("context", "of", "budget", "period", "kind", "consumed", "refills")


def report(census: Census) -> Report:
    """The contexts, and who competes."""
    rows = [row(context) for context in sorted(census.all(SchedContext), key=lambda c: c.address)]
    return Report("Time", [Table(COLUMNS, rows, "Scheduling contexts"), competitors()])


def microseconds(ticks: int) -> str:
    """Ticks as µs; as ticks if the kernel does not know its frequency yet."""
    rate = state.kernel.ticks_per_second
    return f"{ticks * 1_000_000 / rate:,.0f} µs" if rate else f"{ticks} ticks"


def row(context: SchedContext) -> tuple[str, ...]:
    if not budget.is_active(context):
        kind = "not configured"
    elif budget.is_round_robin(context):
        kind = "round robin"
    else:
        kind = "sporadic" if context.sporadic else "constant bandwidth"
    return (
        place(context.address),
        readable(owner, context),
        microseconds(context.budget),
        microseconds(context.period) if context.period else "",
        kind,
        microseconds(context.consumed),
        readable(shown_refills, context),
    )


def owner(context: SchedContext) -> str:
    thread, lent = context.thread, context.reply
    name = short_name(thread) if thread is not None else "nobody"
    if lent is not None and lent.caller is not None:
        name += f", lent by {short_name(lent.caller)}"
    if context.notification is not None:
        name += f", of notification {place(context.notification.address)}"
    return name


def shown_refills(context: SchedContext) -> str:
    """Each refill's amount, and when it may be used; a round-robin slice's second is what is used of it."""
    if budget.is_round_robin(context):
        used = ("left", "used")
        pairs = zip(refills_of(context), used, strict=False)
        return ", ".join(f"{microseconds(refill.amount)} {word}" for refill, word in pairs)
    now = state.kernel.now
    return ", ".join(
        f"{microseconds(refill.amount)} "
        + (f"in {microseconds(refill.time - now)}" if refill.time > now else "now")
        for refill in refills_of(context)
    )


def competitors() -> Table:
    """The ready queues by domain and falling priority, then the release queue."""
    rows: list[tuple[str, ...]] = []
    for domain, ready in enumerate(state.kernel.ready):
        for queue in sorted(non_empty_queues(ready), key=lambda q: -q.address):
            current = ", current" if domain == state.kernel.current_domain else ""
            rows.append((f"ready, domain {domain}{current}", str(queue_index(ready, queue)), _names(queue)))
    if state.kernel.next_release is not None:
        rows.append(("out of budget", "", readable(_postponed)))
    return Table(
        ("queue", "priority", "threads"), rows, "Scheduler's queues", "nobody waits for the processor"
    )


def _names(queue: ThreadQueue) -> str:
    return readable(_line, queue)


def _postponed() -> str:
    return ", ".join(map(short_name, sorted(postponed(), key=lambda thread: thread.release_time)))


def _line(queue: ThreadQueue) -> str:
    return ", ".join(map(short_name, members(queue)))
