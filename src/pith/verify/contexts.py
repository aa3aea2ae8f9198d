"""Scheduling contexts: their refills, and who is bound to them."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel import budget, scheduler
from pith.kernel.objects import Notification, Refill, SchedContext, SchedContextCap, Thread

from .census import Census, Violation
from .naming import name_of, state_name


def refills_of(context: SchedContext) -> list[Refill]:
    """The refills of an active context, first to last."""
    count = min(context.refill_count, context.refill_max)
    return [budget.refill(context, position) for position in range(count)]


def rings_fit(census: Census) -> Iterator[Violation]:
    """A context's ring lies inside its memory; if active, it has a first refill, and at most all of them."""
    for slot, cap in census.slots_with(SchedContextCap):
        context, room = cap.context, budget.most_refills(cap.size_bits)
        if context.refill_max > room:
            found = f"refill_max {context.refill_max}"
            yield Violation(f"{census.slot_name(slot)}: {name_of(context)}", found, f"at most {room}")
    for context in census.all(SchedContext):
        if context.refill_max and not 1 <= context.refill_count <= context.refill_max:
            found = f"{context.refill_count} refills"
            yield Violation(name_of(context), found, f"1 to {context.refill_max}")
        if context.refill_max and context.refill_head >= context.refill_max:
            found = f"first refill at {context.refill_head}"
            yield Violation(name_of(context), found, f"below {context.refill_max}")


def refills_add_up(census: Census) -> Iterator[Violation]:
    """The amounts of an active context's refills add up to its budget."""
    for context in census.all(SchedContext):
        amounts = [refill.amount for refill in refills_of(context)]
        if amounts and sum(amounts) != context.budget:
            found = f"refills of {amounts}, in all {sum(amounts)}"
            yield Violation(name_of(context), found, f"its budget {context.budget}")


def refills_follow_one_another(census: Census) -> Iterator[Violation]:
    """Each refill of a context with a period ends (time + amount) before the next begins."""
    for context in census.all(SchedContext):
        end = 0
        for refill in [] if budget.is_round_robin(context) else refills_of(context):
            if refill.time < end:
                found = f"a refill at {refill.time}, the one before it ending at {end}"
                yield Violation(name_of(context), found, "one after the other")
            end = refill.time + refill.amount


def round_robin_has_two_refills(census: Census) -> Iterator[Violation]:
    """An active context without a period has what is left of its slice, and what is used of it."""
    for context in census.all(SchedContext):
        if budget.is_active(context) and budget.is_round_robin(context) and context.refill_count != 2:
            yield Violation(name_of(context), f"{context.refill_count} refills, round robin", "two")


def first_refills_are_worth_running_for(census: Census) -> Iterator[Violation]:
    """The first refill of a context with a period holds at least the smallest budget."""
    for context in census.all(SchedContext):
        if budget.is_active(context) and not budget.is_round_robin(context):
            amount = budget.first(context).amount
            if amount < budget.smallest():
                yield Violation(
                    f"{name_of(context)}: first refill", f"{amount}", f"at least {budget.smallest()}"
                )


def contexts_and_threads_are_mutual(census: Census) -> Iterator[Violation]:
    """A thread and the context that it runs on name each other."""
    for thread in census.all(Thread):
        context = thread.context
        if context is not None and context.thread is not thread:
            subject = f"{name_of(context)}, context of {name_of(thread)}: thread"
            yield Violation(subject, name_of(context.thread), name_of(thread))
    for context in census.all(SchedContext):
        runner = context.thread
        if runner is not None and runner.context is not context:
            subject = f"{name_of(runner)}, thread of {name_of(context)}: context"
            yield Violation(subject, name_of(runner.context), name_of(context))


def contexts_and_notifications_are_mutual(census: Census) -> Iterator[Violation]:
    """A notification and the context bound to it name each other."""
    for notification in census.all(Notification):
        context = notification.context
        if context is not None and context.notification is not notification:
            subject = f"{name_of(context)}, context of {name_of(notification)}: notification"
            yield Violation(subject, name_of(context.notification), name_of(notification))
    for context in census.all(SchedContext):
        signalled = context.notification
        if signalled is not None and signalled.context is not context:
            subject = f"{name_of(signalled)}, notification of {name_of(context)}: context"
            yield Violation(subject, name_of(signalled.context), name_of(context))


def yields_are_mutual(census: Census) -> Iterator[Violation]:
    """A thread that yields to a context, and that context, name each other."""
    for thread in census.all(Thread):
        context = thread.yielding_to
        if context is not None and context.yielding_from is not thread:
            subject = f"{name_of(context)}, yielded to by {name_of(thread)}: yielding_from"
            yield Violation(subject, name_of(context.yielding_from), name_of(thread))
    for context in census.all(SchedContext):
        yielder = context.yielding_from
        if yielder is not None and yielder.yielding_to is not context:
            subject = f"{name_of(yielder)}, yielding to {name_of(context)}: yielding_to"
            yield Violation(subject, name_of(yielder.yielding_to), name_of(context))


def who_yields_can_run(census: Census) -> Iterator[Violation]:
    """A thread that has yielded to a context waits in no queue but the scheduler's: whoever blocks has its answer."""
    for thread in census.all(Thread):
        if thread.yielding_to is not None and not scheduler.is_runnable(thread):
            yield Violation(
                name_of(thread), f"{state_name(thread.state)}, and yielding", "running, or not yielding"
            )


RULES = (
    rings_fit,
    refills_add_up,
    refills_follow_one_another,
    round_robin_has_two_refills,
    first_refills_are_worth_running_for,
    contexts_and_threads_are_mutual,
    contexts_and_notifications_are_mutual,
    yields_are_mutual,
    who_yields_can_run,
)
