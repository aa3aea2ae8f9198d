"""Reply objects: who waits in them, and the stacks of calls that contexts were lent through."""

from __future__ import annotations

from collections.abc import Iterator

from pith.kernel.objects import Reply, SchedContext, Thread

from .census import WAITS_FOR_REPLY, Census, Violation
from .naming import name_of, state_name


def callers_know_their_reply(census: Census) -> Iterator[Violation]:
    """A reply's thread waits for an answer, or for a call, and names the reply; and the other way round."""
    for reply in census.all(Reply):
        caller = reply.caller
        if caller is not None and (caller.wait_reply is not reply or caller.state not in WAITS_FOR_REPLY):
            found = f"{state_name(caller.state)}, wait_reply {name_of(caller.wait_reply)}"
            yield Violation(f"{name_of(caller)} in {name_of(reply)}", found, "to wait, in that reply object")
    for thread in census.all(Thread):
        brought = thread.wait_reply if thread.state in WAITS_FOR_REPLY else None
        if brought is not None and brought.caller is not thread:
            found = f"caller {name_of(brought.caller)}"
            yield Violation(f"{name_of(brought)}, brought by {name_of(thread)}", found, name_of(thread))


def stacks_are_linked_both_ways(census: Census) -> Iterator[Violation]:
    """The reply above and the reply below in a stack of calls name each other."""
    for reply in census.all(Reply):
        above, below = reply.next, reply.previous
        if above is not None and above.previous is not reply:
            subject = f"{name_of(above)}, above {name_of(reply)}: previous"
            yield Violation(subject, name_of(above.previous), name_of(reply))
        if below is not None and below.next is not reply:
            subject = f"{name_of(below)}, below {name_of(reply)}: next"
            yield Violation(subject, name_of(below.next), name_of(reply))


def stacks_end(census: Census) -> Iterator[Violation]:
    """A stack of calls has a bottom: no call was made on behalf of itself."""
    for reply in census.all(Reply):
        seen: set[int] = set()
        below = reply.previous
        while below is not None and below is not reply and below.address not in seen:
            seen.add(below.address)
            below = below.previous
        if below is reply:
            yield Violation(name_of(reply), "below itself in the stack of calls", "a bottom")


def contexts_and_stacks_are_mutual(census: Census) -> Iterator[Violation]:
    """A context and the top of its stack of calls name each other; nothing is above the top."""
    for reply in census.all(Reply):
        context = reply.context
        if context is not None and context.reply is not reply:
            subject = f"{name_of(context)}, context of {name_of(reply)}: reply"
            yield Violation(subject, name_of(context.reply), name_of(reply))
        if context is not None and reply.next is not None:
            yield Violation(f"{name_of(reply)}, top of a stack: next", name_of(reply.next), "nothing")
    for context in census.all(SchedContext):
        top = context.reply
        if top is not None and top.context is not context:
            subject = f"{name_of(top)}, top of the stack of {name_of(context)}: context"
            yield Violation(subject, name_of(top.context), name_of(context))


def only_callers_are_stacked(census: Census) -> Iterator[Violation]:
    """A reply in a stack of calls has a caller, who waits for the answer."""
    for reply in census.all(Reply):
        is_stacked = not (reply.previous is None and reply.next is None and reply.context is None)
        if is_stacked and reply.caller is None:
            yield Violation(f"{name_of(reply)}, in a stack of calls: caller", "nothing", "a thread")


RULES = (
    callers_know_their_reply,
    stacks_are_linked_both_ways,
    stacks_end,
    contexts_and_stacks_are_mutual,
    only_callers_are_stacked,
)
