"""Scheduling contexts: the right to some processor time in every period.

A thread without one does not run. A server may do without (a passive server): a caller's context goes along
with the call and comes back with the answer, so the server's work is paid for by whoever asked for it.
"""

from __future__ import annotations

from pith.abi.labels import Label
from pith.metal import u64

from .capability import CPtr
from .invocation import invoke, pass_cap


def bind(context: CPtr, target: CPtr) -> None:
    """Let a thread run on this time; or a notification's receiver, while it handles a signal."""
    pass_cap(0, target)
    invoke(context, Label.SCHED_CONTEXT_BIND, caps=1)


def unbind(context: CPtr) -> None:
    """Take the time away from whatever has it."""
    invoke(context, Label.SCHED_CONTEXT_UNBIND)


def unbind_object(context: CPtr, target: CPtr) -> None:
    """Take the time away from this thread or notification."""
    pass_cap(0, target)
    invoke(context, Label.SCHED_CONTEXT_UNBIND_OBJECT, caps=1)


def consumed(context: CPtr) -> u64:
    """Microseconds used since this was last asked."""
    return invoke(context, Label.SCHED_CONTEXT_CONSUMED).word0


def yield_to(context: CPtr) -> u64:
    """Let the thread that runs on `context` go first; returns the microseconds it had used."""
    return invoke(context, Label.SCHED_CONTEXT_YIELD_TO).word0
